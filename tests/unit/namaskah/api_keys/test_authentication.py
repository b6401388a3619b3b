import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import revoke_api_key
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory
from tests.integration.actors import run_together

pytestmark = pytest.mark.django_db

PATH = "/api/v1/billing/balance"


def _get(client, header):
    return client.get(PATH, headers={"Authorization": header})


def _refusal(answer):
    body = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer["WWW-Authenticate"] == "Bearer"
    return body["code"], body["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_opens_the_api_to_its_user(client, scheme):
    _, secret = make_api_key(UserFactory())

    assert _get(client, f"{scheme} {secret}").status_code == 200


def _revoked():
    api_key, secret = make_api_key(UserFactory())
    revoke_api_key(api_key=api_key, now=timezone.now())
    return secret


def _of_an_inactive_user():
    return make_api_key(UserFactory(is_active=False))[1]


def _expired():
    return make_api_key(UserFactory(), expires_in=timedelta(seconds=-1))[1]


def _with_the_right_beginning():
    secret = make_api_key(UserFactory())[1]
    return secret[:-1] + ("0" if secret[-1] != "0" else "1")


def _in_capitals():
    return make_api_key(UserFactory())[1].upper()


def _digest():
    return make_api_key(UserFactory())[0].digest


@pytest.mark.parametrize(
    "secret",
    [
        _revoked,
        _of_an_inactive_user,
        _expired,
        _with_the_right_beginning,
        _digest,
        _in_capitals,
        lambda: make_api_key(UserFactory())[1][:15],
        lambda: make_api_key(UserFactory())[1] + "0",
        lambda: "0" * 64,
        lambda: "0",
        lambda: "x" * 10_000,
        lambda: "é" * 64,
        lambda: "a\x00b",
        lambda: "\x00",
        lambda: "%",
        lambda: "';--",
        lambda: "ÿþ",
    ],
)
def test_a_key_that_opens_nothing_is_refused_in_the_same_words_whatever_the_reason(client, secret):
    assert _refusal(_get(client, f"Bearer {secret()}")) == ("not_authenticated", "The API key is not valid.")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Token abc", "\x00", "é", ","])
def test_a_header_without_a_key_is_refused(client, header):
    code, _ = _refusal(_get(client, header))

    assert code == "not_authenticated"


def test_no_header_is_refused(client):
    code, _ = _refusal(client.get(PATH))

    assert code == "not_authenticated"


def test_a_session_of_the_back_office_does_not_open_the_api(client):
    client.force_login(UserFactory(is_staff=True))

    code, _ = _refusal(client.get(PATH))

    assert code == "not_authenticated"


def test_an_expired_key_stays_on_record(client):
    _get(client, f"Bearer {_expired()}")

    assert ApiKey.objects.count() == 1


def test_two_keys_of_one_user_both_open(client):
    user = UserFactory()
    secrets = [make_api_key(user)[1] for _ in range(2)]

    assert [_get(client, f"Bearer {secret}").status_code for secret in secrets] == [200, 200]


def test_last_used_at_is_written_at_most_once_a_minute(client):
    _, secret = make_api_key(UserFactory())
    noted = []
    start = timezone.now()

    for seconds in (0, 1, 59, 61, 62):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            _get(client, f"Bearer {secret}")
        noted.append((ApiKey.objects.get().last_used_at - start).total_seconds())

    assert noted == [0, 0, 0, 61, 61]


def test_last_used_at_costs_nothing_within_the_minute(client, django_assert_num_queries):
    _, secret = make_api_key(UserFactory())
    _get(client, f"Bearer {secret}")

    # The key with its user, and the wallet.
    with django_assert_num_queries(2):
        _get(client, f"Bearer {secret}")


def test_a_refused_key_is_not_noted_as_used(client):
    _get(client, f"Bearer {_revoked()}")

    assert ApiKey.objects.get().last_used_at is None


@pytest.mark.django_db(transaction=True)
def test_a_key_used_by_eight_requests_at_once_opens_for_all(client):
    _, secret = make_api_key(UserFactory())

    answers = run_together([lambda: type(client)().get(PATH, headers={"Authorization": f"Bearer {secret}"})] * 8)

    assert [answer.status_code for answer in answers] == [200] * 8
    assert ApiKey.objects.get().last_used_at is not None

"""Traps 12 and 13: how the limits of other systems failed."""

from functools import partial
from uuid import uuid4

import pytest
from knox.crypto import hash_token
from knox.settings import CONSTANTS

from namaskah.api_keys.models import ApiKey
from tests import steady_windows
from tests.integration.actors import run_together
from tests.integration.api.clients import BALANCE, INITIALIZE, LIMITS, VERIFY, ApiClient, problem, read
from tests.processes.valkey import ValkeyServer

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = (429, "rate_limited")


@pytest.fixture(autouse=True)
def _steady_windows(monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def valkey(settings):
    """A Valkey of the test's own for everything that uses Redis."""
    with ValkeyServer() as server:
        settings.CACHES = {name: {**cache, "LOCATION": server.url} for name, cache in settings.CACHES.items()}
        yield server


def give_token(client, secret):
    """Let `secret` be the client's own, so that a test decides what two clients' tokens have in common."""
    own = ApiKey.objects.filter(user=client.user)
    own.update(token_key=secret[: CONSTANTS.TOKEN_KEY_LENGTH], digest=hash_token(secret))
    client.secret = secret


def ask_with(client, **headers):
    return client.http.get(BALANCE, headers={**client._headers(), **headers})


def test_trap_12_the_limiter_fires(api, sandbox):
    purchases = [api.initialize().status_code for _ in range(7)]
    verifications = [api.verify("nmk-0").status_code for _ in range(12)]
    reads = [api.get(BALANCE).status_code for _ in range(122)]

    assert purchases == [201] * 5 + [429] * 2
    assert verifications == [404] * 10 + [429] * 2
    assert reads == [200] * 120 + [429] * 2


def test_trap_12_a_bucket_is_not_what_all_tokens_begin_with(api, other_api):
    give_token(api, "c0ffee" * 10 + "1a2b")
    give_token(other_api, "c0ffee" * 10 + "3c4d")
    for _ in range(11):
        api.verify("nmk-0")

    assert problem(api.verify("nmk-0")) == REFUSED
    assert problem(other_api.verify("nmk-0")) == (404, "payment_not_found")


def test_trap_12_a_new_token_of_the_same_user_is_no_fresh_bucket(api):
    for _ in range(10):
        api.verify("nmk-0")

    assert problem(ApiClient(api.user).verify("nmk-0")) == REFUSED


@pytest.mark.parametrize("name", ["X-API-Key", "X-Client-ID", "X-User-ID", "X-Real-IP", "User-Agent", "X-Request-ID"])
def test_trap_12_a_made_up_header_is_no_fresh_bucket(api, settings, name):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": 3}

    statuses = [ask_with(api, **{name: str(uuid4())}).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_trap_12_another_x_forwarded_for_is_no_fresh_bucket(api, settings, proxies):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": 3, "authentication": 3}
    settings.TRUSTED_PROXY_COUNT = proxies
    # What the proxies add behind it is the same for every request of one client.
    added = ["203.0.113.7", "198.51.100.1"][:proxies]
    made_up = [", ".join([f"192.0.2.{number}", *added]) for number in range(5)]

    known = [ask_with(api, **{"X-Forwarded-For": forwarded}).status_code for forwarded in made_up]
    unknown = [api.http.get(BALANCE, headers={"X-Forwarded-For": forwarded}).status_code for forwarded in made_up]

    assert known == [200, 200, 200, 429, 429]
    assert unknown == [401, 401, 401, 429, 429]


def test_trap_12_forty_concurrent_requests_pass_no_more_than_the_limit(api):
    answers = run_together([partial(api.post, VERIFY, {"reference": "nmk-0"})] * 40)

    assert sorted(answer.status_code for answer in answers) == [404] * 10 + [429] * 30


@pytest.mark.parametrize("away", ["stop", "freeze"])
def test_trap_12_redis_away_refuses_nobody_and_breaks_nothing(api, sandbox, valkey, away):
    getattr(valkey, away)()

    statuses = [api.get(BALANCE).status_code, api.get(LIMITS).status_code, api.initialize().status_code]
    unknown = api.http.get(BALANCE)

    assert statuses == [200, 200, 201]
    assert problem(unknown) == (401, "not_authenticated")


@pytest.mark.parametrize("away", ["stop", "freeze"])
def test_trap_12_redis_away_is_no_end_of_the_limits(api, valkey, away):
    getattr(valkey, away)()

    statuses = [api.verify("nmk-0").status_code for _ in range(12)]

    assert statuses == [404] * 10 + [429] * 2


def test_trap_13_429_has_a_retry_after(api):
    answers = [api.verify("nmk-0") for _ in range(11)]

    assert problem(answers[-1]) == REFUSED
    assert ["Retry-After" in answer for answer in answers] == [False] * 10 + [True]


def test_trap_13_retry_after_and_the_fields_are_seconds_from_now_and_no_moment(api):
    answers = [api.verify("nmk-0") for _ in range(12)]

    told = [int(answer["RateLimit"].rsplit("t=", 1)[1]) for answer in answers]
    shown = [row["resets_in_seconds"] for row in read(api.get(LIMITS))["limits"]]
    waits = [int(answer["Retry-After"]) for answer in answers[10:]]
    assert {1 <= seconds <= 60 for seconds in [*told, *shown, *waits]} == {True}
    assert waits == told[10:]


def test_trap_13_a_failed_authentication_above_the_limit_has_a_retry_after_too(api):
    answers = [api.http.post(INITIALIZE) for _ in range(31)]

    assert problem(answers[-1]) == REFUSED
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60

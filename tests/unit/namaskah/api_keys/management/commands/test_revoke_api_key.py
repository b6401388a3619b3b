import io
import json

import pytest
from django.core.management import CommandError, call_command

from namaskah.api_keys.models import ApiKey
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued():
    return make_api_key(UserFactory(username="shop"))


def revoke(*arguments):
    stdout = io.StringIO()
    call_command("revoke_api_key", "shop", *arguments, stdout=stdout)
    return stdout.getvalue()


@pytest.mark.parametrize("part", [slice(-4, None), slice(0, 8), slice(0, 20), slice(None)])
def test_a_key_is_named_by_its_end_or_its_beginning(client, issued, part):
    _, secret = issued

    assert revoke(secret[part]) == f"Revoked test (…{secret[-4:]}).\n"

    answer = client.get("/api/v1/billing/balance", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


def test_dry_run_says_which_and_ends_nothing(issued):
    api_key, secret = issued

    assert revoke(secret[-4:], "--dry-run") == f"Would revoke {api_key}.\n"

    assert ApiKey.objects.get().revoked_at is None


def test_a_key_revoked_before_is_told_so(issued):
    api_key, secret = issued
    revoke(secret[-4:])

    assert revoke(secret[-4:]) == f"{api_key} was revoked before.\n"


def test_json_is_one_object(issued):
    _, secret = issued

    said = json.loads(revoke(secret[-4:], "--json"))

    assert said == {"name": "test", "last_four": secret[-4:], "was_open": True, "dry_run": False}


def test_two_keys_with_one_end_are_told_apart_by_their_beginning(issued):
    api_key, secret = issued
    other, _ = make_api_key(api_key.user)
    ApiKey.objects.filter(pk=other.pk).update(last_four=secret[-4:])

    with pytest.raises(CommandError, match="has 2 such keys"):
        revoke(secret[-4:])
    revoke(secret[:15])

    assert list(ApiKey.objects.filter(revoked_at__isnull=True)) == [other]


@pytest.mark.parametrize("part", ["zzzz", "", "0", "zzzzzzzz", "%", "________"])
def test_a_key_that_is_not_there_is_refused(issued, part):
    with pytest.raises(CommandError, match="has no key"):
        revoke(part)

    assert ApiKey.objects.get().revoked_at is None


def test_a_key_of_another_user_is_refused(issued):
    _, secret = make_api_key(UserFactory())

    with pytest.raises(CommandError, match="has no key"):
        revoke(secret[-4:])

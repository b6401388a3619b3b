from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import issue_api_key, revoke_api_key
from tests.factories.api_keys import make_api_key
from tests.factories.users import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_issue_api_key_keeps_of_the_secret_its_digest_and_its_ends_alone():
    _, secret = make_api_key(UserFactory())

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(api_keys)::text FROM api_keys")
        (stored,) = cursor.fetchone()
    assert len(secret) == 64
    # Fifteen characters find the row, four name it; the other 45 are nowhere.
    assert secret[:15] in stored
    assert secret[:16] not in stored
    assert secret[-5:] not in stored
    assert secret[15:-4] not in stored


def test_issue_api_key_says_whose_it_is_and_who_made_it():
    user, administrator = UserFactory(), StaffFactory()
    now = timezone.now()

    api_key, secret = issue_api_key(user=user, name="shop", expires_in=timedelta(days=30), by=administrator, now=now)

    api_key.refresh_from_db()
    assert (api_key.user, api_key.created_by, api_key.expiry) == (user, administrator, now + timedelta(days=30))
    assert str(api_key) == f"shop (…{secret[-4:]})"


def test_issue_api_key_without_an_end_is_usable():
    api_key, _ = make_api_key(UserFactory())

    assert (api_key.expiry, api_key.is_usable) == (None, True)


def test_issue_api_key_never_gives_the_same_secret():
    user = UserFactory()

    assert len({make_api_key(user)[1] for _ in range(20)}) == 20


def test_issue_api_key_without_a_name_is_refused_by_the_database():
    with pytest.raises(IntegrityError, match="api_keys_apikey_has_name"), transaction.atomic():
        issue_api_key(user=UserFactory(), name="", expires_in=None, by=None, now=timezone.now())


def test_revoke_api_key_ends_it_and_keeps_the_row():
    api_key, _ = make_api_key(UserFactory())
    now = timezone.now()

    assert revoke_api_key(api_key=api_key, now=now) is True

    api_key = ApiKey.objects.get()
    assert (api_key.revoked_at, api_key.is_usable) == (now, False)


def test_revoke_api_key_again_keeps_the_first_moment():
    api_key, _ = make_api_key(UserFactory())
    first = timezone.now()
    revoke_api_key(api_key=api_key, now=first)

    assert revoke_api_key(api_key=api_key, now=first + timedelta(hours=1)) is False

    assert ApiKey.objects.get().revoked_at == first


def test_revoke_api_key_leaves_the_users_other_keys_open():
    user = UserFactory()
    api_key, _ = make_api_key(user)
    other, _ = make_api_key(user)

    revoke_api_key(api_key=api_key, now=timezone.now())

    other.refresh_from_db()
    assert other.is_usable

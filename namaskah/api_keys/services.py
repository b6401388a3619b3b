"""Issuing and revoking API keys."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from namaskah.api_keys.models import ApiKey


@transaction.atomic
def issue_api_key(
    *, user: User, name: str, expires_in: timedelta | None, by: User | None, now: datetime
) -> tuple[ApiKey, str]:
    """Make a key of `user`; return it and its secret, which is shown this once and stored nowhere.

    `expires_in` of None is a key without end.
    """
    api_key, secret = ApiKey.objects.create(user=user, expiry=None, name=name, last_four="", created_by=by)
    api_key.last_four = secret[-4:]
    api_key.expiry = None if expires_in is None else now + expires_in
    api_key.save(update_fields=["last_four", "expiry"])
    return api_key, secret


def revoke_api_key(*, api_key: ApiKey, now: datetime) -> bool:
    """End a key for good; return whether it was still open."""
    return bool(ApiKey.objects.filter(pk=api_key.pk, revoked_at__isnull=True).update(revoked_at=now))

"""API keys for tests."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import issue_api_key


def make_api_key(user: User, *, expires_in: timedelta | None = None) -> tuple[ApiKey, str]:
    """Issue a key to the user; return it and its secret."""
    return issue_api_key(user=user, name="test", expires_in=expires_in, by=None, now=timezone.now())

"""Who sent this request? `Authorization: Bearer <api key>`."""

import hmac
from datetime import timedelta
from typing import Final

import structlog
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed

from namaskah.api_keys.models import ApiKey

logger = structlog.get_logger(__name__)

_USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


class ApiKeyAuthentication(TokenAuthentication):  # type: ignore[misc]  # -- knox has no types
    """Knox's header and hashing, without its habit of deleting expired keys: they are part of the record."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiKey]:
        """Return the user and key that `token` opens.

        :raises AuthenticationFailed: with one message for every reason, so that nothing can be learnt from it.
        """
        refused = AuthenticationFailed("The API key is not valid.")
        if not token.isalnum() or not token.isascii():
            raise refused
        secret = token.decode("ascii")
        digest = hash_token(secret)
        candidates = ApiKey.objects.select_related("user").filter(token_key=secret[: CONSTANTS.TOKEN_KEY_LENGTH])
        for api_key in candidates:
            is_same = hmac.compare_digest(digest, api_key.digest)
            if is_same and api_key.is_usable and api_key.user.is_active:
                _note_use(api_key)
                return api_key.user, api_key
        raise refused


def _note_use(api_key: ApiKey) -> None:
    """Write when the key was last used, at most once a minute; whoever is noting it already spares us the wait."""
    now = timezone.now()
    if api_key.last_used_at is not None and now - api_key.last_used_at < _USE_IS_NOTED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _USE_IS_NOTED_EVERY)
    free = ApiKey.objects.select_for_update(skip_locked=True, no_key=True).filter(stale, pk=api_key.pk)
    try:
        with transaction.atomic():
            ApiKey.objects.filter(pk__in=free.values("pk")).update(last_used_at=now)
    except DatabaseError:
        logger.warning("api_key_use_not_noted", api_key=str(api_key))

"""Forgetting what nobody may ask for any more: answers, and keys that made nothing. Other keys stay known for good."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint

PURGE_TASK: Final = "idempotency.purge"
_BATCH: Final = 1000


# No request runs for so long: whoever holds a key since then has died.
_DEAD_AFTER: Final = timedelta(days=1)


def list_purgeable(*, now: datetime) -> QuerySet[IdempotencyKey]:
    """Return the expired keys that still hold an answer, and those that made nothing."""
    return IdempotencyKey.objects.filter(Q(response_body__isnull=False) | _made_nothing(now), expires_at__lte=now)


def purge_keys(*, now: datetime) -> Iterator[int]:
    """Remove expired answers, and expired keys that made nothing; yield how many keys each committed batch had.

    Two purges at once share the work. What one stops in the middle of, the next goes on with.
    """
    while True:
        with transaction.atomic(durable=True):
            batch = list_purgeable(now=now).select_for_update(skip_locked=True, no_key=True).order_by("expires_at")
            keys = list(batch.values_list("pk", flat=True)[:_BATCH])
            IdempotencyKey.objects.filter(_made_nothing(now), pk__in=keys).delete()
            IdempotencyKey.objects.filter(pk__in=keys).update(response_body=None)
        if not keys:
            return
        yield len(keys)


def _made_nothing(now: datetime) -> Q:
    """Return what tells a key that made nothing: its request was refused before it changed anything, or died."""
    is_free = Q(owner_token__isnull=True) | Q(locked_at__lt=now - _DEAD_AFTER)
    return is_free & Q(recovery_point=RecoveryPoint.STARTED)

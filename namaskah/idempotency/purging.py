"""Forgetting answers that nobody may ask for any more. The keys themselves stay known for good."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from namaskah.idempotency.models import IdempotencyKey

PURGE_TASK: Final = "idempotency.purge"
_BATCH: Final = 1000


def list_purgeable(*, now: datetime) -> QuerySet[IdempotencyKey]:
    """Return the expired keys that still hold an answer."""
    return IdempotencyKey.objects.filter(expires_at__lte=now, response_body__isnull=False)


def purge_answers(*, now: datetime) -> Iterator[int]:
    """Remove expired answers, a batch at a time, each committed; yield how many each batch had.

    Two purges at once share the work. What one stops in the middle of, the next goes on with.
    """
    while True:
        with transaction.atomic(durable=True):
            batch = list_purgeable(now=now).select_for_update(skip_locked=True, no_key=True).order_by("expires_at")
            keys = list(batch.values_list("pk", flat=True)[:_BATCH])
            purged = IdempotencyKey.objects.filter(pk__in=keys).update(response_body=None)
        if not purged:
            return
        yield purged

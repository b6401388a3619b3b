"""Claiming rows that are due for a look, so that two workers do not ask the gateway about the same one.

The claim is a lease by the database's clock: whoever claims a row puts its next look off by the lease,
and what it then writes puts the look where it belongs. A worker that dies leaves the row due again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from django.db import connection, transaction

_CLAIM: Final = """
UPDATE {table}
SET next_check_at = now() + make_interval(secs => %s), lock_version = lock_version + 1, updated_at = now()
WHERE id = ANY (ARRAY(
    SELECT id FROM {table} WHERE next_check_at <= now() ORDER BY next_check_at LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING id
"""


def claim_due(table: Literal["payment_logs", "refunds"], *, limit: int, lease: timedelta) -> Sequence[UUID]:
    """Claim up to `limit` due rows for `lease`; commits at once. Return their ids."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(table=table), [lease.total_seconds(), limit])
        return [row[0] for row in cursor.fetchall()]

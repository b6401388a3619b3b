"""Claiming a key, carrying the claim through the work, and storing the answer.

A claim is a lease by the database's clock. Whoever holds it has an owner token that every later
write checks, so that a process which was paused for longer than its lease cannot write any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection, transaction

from namaskah.errors import ConflictError, RuleViolationError
from namaskah.idempotency import fingerprints
from namaskah.idempotency.models import ROUTE_LENGTH, IdempotencyKey, RecoveryPoint
from namaskah.identifiers import new_id

logger = structlog.get_logger(__name__)


class RequestInProgressError(ConflictError):
    """The first request with this key is still running, or another one took it over."""

    code = "request_in_progress"
    retry_after_seconds = 1


class IdempotencyKeyExpiredError(ConflictError):
    """The key was used so long ago that its answer is gone."""

    code = "idempotency_key_expired"


class IdempotencyKeyReusedError(RuleViolationError):
    """The key was used for another request; `errors` names the fields that differ."""

    code = "idempotency_key_reused"

    def __init__(self, detail: str, *, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(detail)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to the first request, to be given again byte for byte."""

    status: int
    content_type: str
    body: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A held key. `user_id` and `key` are what the work looks for its own rows under."""

    row_id: UUID
    user_id: int
    key: UUID
    owner_token: UUID
    expires_at: datetime

    def advance(self, recovery_point: str, *, resource: str = "") -> None:
        """Note how far the work came; to be called in the database transaction of the write it goes with.

        An empty `resource` keeps the one that was noted before.

        :raises RequestInProgressError: if another process took the key over; the caller's write rolls back.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE idempotency_keys SET recovery_point = %s, locked_at = now(), "
                "resource = COALESCE(NULLIF(%s, ''), resource) "
                "WHERE id = %s AND owner_token = %s AND recovery_point <> 'finished'",
                [recovery_point, resource, self.row_id, self.owner_token],
            )
            if cursor.rowcount != 1:
                raise RequestInProgressError("Another request with this key has taken over.")


def claim_key(
    *, user: User, key: UUID, method: str, route: str, body: Mapping[str, Any], now: datetime
) -> KeyClaim | StoredAnswer:
    """Claim the user's `key` for this request, or return the answer that it has already.

    :raises RequestInProgressError: if the first request is still running.
    :raises IdempotencyKeyReusedError: if the key was used for another request.
    :raises IdempotencyKeyExpiredError: if it was used longer ago than IDEMPOTENCY_TTL_HOURS.
    """
    digests = fingerprints.digest_fields(body)
    wanted = IdempotencyKey(
        id=new_id(),
        user=user,
        key=key,
        method=method,
        # The fingerprint holds the whole of it.
        route=route[:ROUTE_LENGTH],
        fingerprint=fingerprints.fingerprint(method=method, route=route, field_digests=digests),
        field_digests=digests,
        owner_token=uuid4(),
        locked_at=now,
        created_at=now,
        expires_at=now + timedelta(hours=settings.IDEMPOTENCY_TTL_HOURS),
    )
    with transaction.atomic(durable=True):
        _insert_or_lock(wanted)
        return _claim_locked(IdempotencyKey.objects.get(user=user, key=key), wanted, now=now)


def _insert_or_lock(wanted: IdempotencyKey) -> None:
    """Make the key's row, or lock the one there is; one that is purged in between is made anew."""
    is_locked = False
    while not is_locked:
        IdempotencyKey.objects.bulk_create([wanted], ignore_conflicts=True)
        known = IdempotencyKey.objects.select_for_update(no_key=True).filter(user_id=wanted.user_id, key=wanted.key)
        is_locked = bool(known.values_list("pk"))


def _claim_locked(row: IdempotencyKey, wanted: IdempotencyKey, *, now: datetime) -> KeyClaim | StoredAnswer:
    if row.pk == wanted.pk:
        return _take(row, wanted.owner_token)
    if row.fingerprint != wanted.fingerprint:
        raise _reused(row, wanted)
    is_purged = row.recovery_point == RecoveryPoint.FINISHED and row.response_body is None
    # By the clock of the host that purged it, the key had expired.
    if row.expires_at <= now or is_purged:
        return _claim_expired(row, wanted)
    if row.response_body is not None and row.response_status is not None:
        IdempotencyKey.objects.filter(pk=row.pk).update(replays=row.replays + 1)
        return StoredAnswer(row.response_status, row.response_content_type, bytes(row.response_body), row.expires_at)
    return _take(row, wanted.owner_token)


def _claim_expired(row: IdempotencyKey, wanted: IdempotencyKey) -> KeyClaim:
    """Begin anew with a key that made nothing; one that did stays spent."""
    if row.recovery_point == RecoveryPoint.STARTED:
        IdempotencyKey.objects.filter(pk=row.pk).update(expires_at=wanted.expires_at)
        row.expires_at = wanted.expires_at
        return _take(row, wanted.owner_token)
    made = f" for {row.resource}" if row.resource else ""
    raise IdempotencyKeyExpiredError(f"This key was used{made}; its answer was kept until {row.expires_at:%Y-%m-%d}.")


def _take(row: IdempotencyKey, owner_token: UUID | None) -> KeyClaim:
    """Take a free key, or one whose owner has been silent for longer than the lease."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idempotency_keys SET owner_token = %s, locked_at = now() WHERE id = %s AND "
            "(owner_token = %s OR owner_token IS NULL OR locked_at < now() - make_interval(secs => %s))",
            [owner_token, row.pk, owner_token, settings.IDEMPOTENCY_LEASE_SECONDS],
        )
        if cursor.rowcount != 1 or owner_token is None:
            raise RequestInProgressError("The first request with this key is still running.")
    return KeyClaim(row.pk, row.user_id, row.key, owner_token, row.expires_at)


def _reused(row: IdempotencyKey, wanted: IdempotencyKey) -> IdempotencyKeyReusedError:
    if (row.method, row.route) != (wanted.method, wanted.route):
        detail = f"This key was used for {row.method} {row.route}; use a new one."
        return IdempotencyKeyReusedError(detail, errors=[])
    names = fingerprints.list_differing_fields(row.field_digests, wanted.field_digests)
    errors = [{"field": name, "code": "differs", "message": "Differs from the first request."} for name in names]
    return IdempotencyKeyReusedError("This key was used with another body; use a new one.", errors=errors)


def finish_key(claim: KeyClaim, *, status: int, content_type: str, body: bytes) -> None:
    """Store the answer and let the key go.

    :raises RequestInProgressError: if another process took the key over.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idempotency_keys SET recovery_point = 'finished', response_status = %s, "
            "response_content_type = %s, response_body = %s, owner_token = NULL, locked_at = NULL "
            "WHERE id = %s AND owner_token = %s",
            [status, content_type, body, claim.row_id, claim.owner_token],
        )
        if cursor.rowcount != 1:
            raise RequestInProgressError("Another request with this key has taken over.")


def release_key(claim: KeyClaim) -> None:
    """Let the key go without an answer: the same request may be sent again with it.

    With the database away this is left to the lease, so that the caller's own error is what the client reads.
    """
    try:
        # The error that brought us here may have been the connection's end.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        IdempotencyKey.objects.filter(pk=claim.row_id, owner_token=claim.owner_token).update(
            owner_token=None, locked_at=None
        )
    except (DatabaseError, InterfaceError):
        logger.warning("idempotency_key_not_released", exc_info=True)


def find_expiry(*, user: User, key: UUID) -> datetime | None:
    """Return until when the user's key is known, or None if it was never used."""
    return IdempotencyKey.objects.filter(user=user, key=key).values_list("expires_at", flat=True).first()

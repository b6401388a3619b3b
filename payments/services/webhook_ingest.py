"""From a signed body to a row of the inbox: one statement, nothing decided, no Redis.

What is read here follows a grammar so narrow that no byte sequence can fail to be stored.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg2.errors import LockNotAvailable

from namaskah.api import strict_json
from namaskah.errors import InvalidRequestError
from namaskah.identifiers import PAYMENT_PREFIX, new_id
from payments.gateways.paystack.mode import get_domain
from payments.lifecycles import DUE_STATUSES, EventStatus

logger = structlog.get_logger(__name__)

CHARGE_SUCCESS: Final = "charge.success"
CHARGE_FAILED: Final = "charge.failed"
REFUND_TYPES: Final = frozenset(
    {"refund.pending", "refund.processing", "refund.needs-attention", "refund.processed", "refund.failed"}
)
DISPUTE_TYPES: Final = frozenset({"charge.dispute.create", "charge.dispute.remind", "charge.dispute.resolve"})
CHARGE_TYPES: Final = frozenset({CHARGE_SUCCESS, CHARGE_FAILED})
HANDLED_TYPES: Final = CHARGE_TYPES | REFUND_TYPES | DISPUTE_TYPES

_MAX_DEPTH: Final = 64
_EVENT_TYPE: Final = re.compile(r"[a-z_.-]{1,64}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9.=_-]{1,100}")
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_BIGINT_MAX: Final = 2**63 - 1
_COUNT_WAIT_MILLISECONDS: Final = 200


class MalformedEventError(InvalidRequestError):
    """The body is signed and is no event; it is kept in quarantine."""

    code = "malformed_event"


class ReferenceMissingError(InvalidRequestError):
    """The event is about a charge and names none; it is kept in quarantine."""

    code = "reference_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of a body before anything is done about it."""

    status: EventStatus
    event_type: str = ""
    object_id: int = 0
    reference: str = ""
    error_class: str = ""


def ingest(raw: bytes) -> bool:
    """Store a signed body; return whether it is to be processed now.

    A body that was stored before only counts one more delivery.

    :raises MalformedEventError: after storing it in quarantine, if the body is no JSON object with an `event`.
    :raises ReferenceMissingError: after storing it in quarantine, if a charge event has no usable reference.
    """
    reading = read_event(raw)
    digest = hashlib.sha256(raw).digest()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, _insert_parameters(reading, raw, digest))
        is_new = cursor.fetchone() is not None
    if not is_new:
        _count_delivery(reading, digest)
    elif reading.status == EventStatus.QUARANTINED:
        logger.warning("webhook_quarantined", reason=reading.error_class, event_type=reading.event_type)
    if reading.error_class == MalformedEventError.code:
        raise MalformedEventError("The body is signed, but it is no event.")
    if reading.error_class == ReferenceMissingError.code:
        raise ReferenceMissingError("The event is about a charge and has no usable data.reference.")
    return reading.status in DUE_STATUSES


def read_event(raw: bytes) -> Reading:
    """Say what a signed body is, without failing for any bytes."""
    try:
        event = strict_json.loads(raw, max_depth=_MAX_DEPTH, allow_unsafe_text=True)
    except strict_json.MalformedJSONError:
        return Reading(status=EventStatus.QUARANTINED, error_class=MalformedEventError.code)
    event_type = _matching(event.get("event"), _EVENT_TYPE) if isinstance(event, dict) else ""
    if not isinstance(event, dict) or not event_type:
        return Reading(status=EventStatus.QUARANTINED, error_class=MalformedEventError.code)
    data = event.get("data")
    return _read_data(event_type, data if isinstance(data, dict) else {})


def _read_data(event_type: str, data: Mapping[str, Any]) -> Reading:
    reference = _matching(_find_reference(event_type, data), _REFERENCE)
    object_id = _object_id(data.get("id"))
    status, error_class = _sort(event_type, reference, domain=data.get("domain"))
    return Reading(
        status=status, event_type=event_type, object_id=object_id, reference=reference, error_class=error_class
    )


def _find_reference(event_type: str, data: Mapping[str, Any]) -> object:
    """Return what stands where events of this type name the payment's reference."""
    if event_type.startswith("refund."):
        return data.get("transaction_reference")
    if event_type.startswith("charge.dispute."):
        disputed = data.get("transaction")
        return disputed.get("reference") if isinstance(disputed, dict) else None
    return data.get("reference")


def _sort(event_type: str, reference: str, *, domain: object) -> tuple[EventStatus, str]:
    if isinstance(domain, str) and domain != get_domain(settings.PAYSTACK_SECRET_KEY):
        return EventStatus.QUARANTINED, "wrong_domain"
    if event_type not in HANDLED_TYPES:
        return EventStatus.IGNORED, "unknown_type"
    if not reference:
        is_charge = event_type in CHARGE_TYPES
        return EventStatus.QUARANTINED, ReferenceMissingError.code if is_charge else "no_reference"
    if not reference.startswith(PAYMENT_PREFIX):
        return EventStatus.IGNORED, "foreign_reference"
    return EventStatus.RECEIVED, ""


def _matching(value: object, pattern: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _object_id(value: object) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 1 <= value <= _BIGINT_MAX else 0


# Times are the database's: leases and retries must not depend on the clocks of web machines. NOT EXISTS stands
# before ON CONFLICT, because that would wait for a worker which is updating the row of an earlier delivery.
_INSERT: Final = """
INSERT INTO webhook_events (
    id, provider, event_type, object_id, reference, body, body_sha256, received_at, deliveries, last_delivered_at,
    status, attempts, next_attempt_at, error_class, error, created_at
)
SELECT new.*, now() FROM (VALUES (
    %s::uuid, 'paystack', %s, %s::bigint, %s, %s::bytea, %s::bytea, now(), 1, now(),
    %s, 0, CASE WHEN %s THEN now() END, %s, ''
)) AS new (
    id, provider, event_type, object_id, reference, body, body_sha256, received_at, deliveries, last_delivered_at,
    status, attempts, next_attempt_at, error_class, error
)
WHERE NOT EXISTS (
    SELECT 1 FROM webhook_events AS kept
    WHERE (kept.object_id, kept.event_type, kept.body_sha256) = (new.object_id, new.event_type, new.body_sha256)
)
ON CONFLICT (object_id, event_type, body_sha256) DO NOTHING
RETURNING 1
"""

_COUNT_DELIVERY: Final = """
UPDATE webhook_events SET deliveries = deliveries + 1, last_delivered_at = now(),
    status = CASE WHEN {IS_STALE} THEN 'received' ELSE status END,
    attempts = CASE WHEN {IS_STALE} THEN 0 ELSE attempts END,
    next_attempt_at = CASE WHEN {IS_STALE} THEN GREATEST(now(), processed_at + interval '10 seconds')
        ELSE next_attempt_at END
WHERE id = (
    SELECT id FROM webhook_events WHERE object_id = %s AND event_type = %s AND body_sha256 = %s
    FOR NO KEY UPDATE {SKIP_LOCKED}
)
"""
# The truth of a refund or a dispute is read from the gateway, and may have moved since the event was processed. A flood
# of one delivery asks for it once in ten seconds.
_IS_STALE: Final = "status = 'processed' AND (event_type LIKE 'refund.%%' OR event_type LIKE 'charge.dispute.%%')"
_COUNT_IF_FREE: Final = _COUNT_DELIVERY.format(SKIP_LOCKED="SKIP LOCKED", IS_STALE=_IS_STALE)
_COUNT_AFTER_WAIT: Final = _COUNT_DELIVERY.format(SKIP_LOCKED="", IS_STALE=_IS_STALE)


def _count_delivery(reading: Reading, digest: bytes) -> None:
    """Count one more delivery, unless somebody holds the row for long.

    Duplicates that come together wait for each other; a paused worker must not delay an answer to the gateway.
    """
    parameters: list[Any] = [reading.object_id, reading.event_type, digest]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_IF_FREE, parameters)
        if cursor.rowcount == 1:
            return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [_COUNT_WAIT_MILLISECONDS])
            cursor.execute(_COUNT_AFTER_WAIT, parameters)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        logger.info("webhook_delivery_not_counted", event_type=reading.event_type, reference=reading.reference)


def _insert_parameters(reading: Reading, raw: bytes, digest: bytes) -> list[Any]:
    return [
        new_id(),
        reading.event_type,
        reading.object_id,
        reading.reference,
        raw,
        digest,
        reading.status,
        reading.status in DUE_STATUSES,
        reading.error_class,
    ]

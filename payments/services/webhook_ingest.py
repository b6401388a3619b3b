"""From a signed body to a row of the inbox: one statement, nothing decided, no Redis.

What is read here follows a grammar so narrow that no byte sequence can fail to be stored.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection

from namaskah.api import strict_json
from namaskah.errors import InvalidRequestError
from namaskah.identifiers import PAYMENT_PREFIX, new_id
from payments.gateways.paystack.mode import get_domain
from payments.lifecycles import DUE_STATUSES, EventStatus

CHARGE_SUCCESS: Final = "charge.success"
CHARGE_FAILED: Final = "charge.failed"
HANDLED_TYPES: Final = frozenset({CHARGE_SUCCESS, CHARGE_FAILED})

_MAX_DEPTH: Final = 64
_EVENT_TYPE: Final = re.compile(r"[a-z_.-]{1,64}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9.=_-]{1,100}")
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_BIGINT_MAX: Final = 2**63 - 1


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
        if cursor.fetchone() is None:
            cursor.execute(_COUNT_DELIVERY, [reading.object_id, reading.event_type, digest])
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
    reference = _matching(data.get("reference"), _REFERENCE)
    object_id = _object_id(data.get("id"))
    status, error_class = _sort(event_type, reference, domain=data.get("domain"))
    return Reading(
        status=status, event_type=event_type, object_id=object_id, reference=reference, error_class=error_class
    )


def _sort(event_type: str, reference: str, *, domain: object) -> tuple[EventStatus, str]:
    if isinstance(domain, str) and domain != get_domain(settings.PAYSTACK_SECRET_KEY):
        return EventStatus.QUARANTINED, "wrong_domain"
    if event_type not in HANDLED_TYPES:
        return EventStatus.IGNORED, "unknown_type"
    if not reference:
        return EventStatus.QUARANTINED, ReferenceMissingError.code
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


# Times are the database's: leases and retries must not depend on the clocks of web machines.
_INSERT: Final = """
INSERT INTO webhook_events (
    id, provider, event_type, object_id, reference, body, body_sha256, received_at, deliveries, last_delivered_at,
    status, attempts, next_attempt_at, error_class, error, created_at
) VALUES (%s, 'paystack', %s, %s, %s, %s, %s, now(), 1, now(), %s, 0, CASE WHEN %s THEN now() END, %s, '', now())
ON CONFLICT (object_id, event_type, body_sha256) DO NOTHING
RETURNING 1
"""

# A row that a drain holds is left alone: a paused worker must not delay an answer to the gateway.
_COUNT_DELIVERY: Final = """
UPDATE webhook_events SET deliveries = deliveries + 1, last_delivered_at = now()
WHERE id = (
    SELECT id FROM webhook_events
    WHERE object_id = %s AND event_type = %s AND body_sha256 = %s
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


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

"""What is kept of Paystack's answers: enough to prove what was said, nothing about the payer or the card."""

import math
from typing import Any, Final

from payments.gateways.paystack.texts import clean_text

_TEXT_LIMIT: Final = 300
_LIST_LIMIT: Final = 50
# An allow-list, because Paystack adds fields: authorization, customer, log, ip_address, metadata and
# access_code stay out, and so does whatever comes next.
_KEPT_VALUES: Final = frozenset(
    {
        *("status", "message", "code", "type"),
        *("id", "reference", "domain", "amount", "requested_amount", "fees", "currency", "channel"),
        *("paid_at", "paidAt", "created_at", "createdAt", "updatedAt", "gateway_response"),
        *("transaction", "transaction_reference", "refund_reference", "merchant_note", "expected_at"),
        *("deducted_amount", "fully_deducted", "refund_type"),
    }
)
# An answer holds `data`, a refund in it holds `transaction`; nothing deeper is kept.
_KEPT_OBJECTS: Final = ("data", "transaction")


def redact(answer: object) -> dict[str, Any]:
    """Return what may be stored of a decoded `answer`, fit for a JSON column."""
    return _redact(answer, kept_objects=_KEPT_OBJECTS)


def _redact(answer: object, *, kept_objects: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(answer, dict):
        return {}
    kept: dict[str, Any] = {}
    for key, value in answer.items():
        if key in kept_objects[:1] and isinstance(value, dict):
            kept[key] = _redact(value, kept_objects=kept_objects[1:])
        elif key in kept_objects[:1] and isinstance(value, list):
            kept[key] = [_redact(row, kept_objects=kept_objects[1:]) for row in value[:_LIST_LIMIT]]
        elif key in _KEPT_VALUES and _is_storable(value):
            kept[key] = clean_text(value, limit=_TEXT_LIMIT) if isinstance(value, str) else value
    return kept


def _is_storable(value: object) -> bool:
    # Infinity is a float to Python and no JSON to Postgres.
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))

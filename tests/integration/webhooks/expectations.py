"""What the contract says of a delivery, worked out again without the product's own code."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from tests.webhook_mutations import KEYS, Delivery

_EVENT_TYPE: Final = re.compile(r"[a-z_.-]{1,64}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9.=_-]{1,100}")
_CHARGES: Final = ("charge.success", "charge.failed")
# Where each type of event names its payment.
_PLACES: Final = {
    **dict.fromkeys(_CHARGES, ("reference",)),
    **dict.fromkeys(("refund.pending", "refund.processing", "refund.needs-attention"), ("transaction_reference",)),
    **dict.fromkeys(("refund.processed", "refund.failed"), ("transaction_reference",)),
    **dict.fromkeys(
        ("charge.dispute.create", "charge.dispute.remind", "charge.dispute.resolve"), ("transaction", "reference")
    ),
}
_MAX_DEPTH: Final = 64
_MAX_NUMBER_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer, `code` being empty for a success, and how the body is `kept`: status and error class."""

    status: int
    code: str = ""
    kept: tuple[str, str] | None = None


# What a bad signature is answered once too many came from its address.
LIMITED: Final = Expectation(429, "rate_limited")
CHARGE_WITHOUT_REFERENCE: Final = Expectation(400, "reference_missing", ("quarantined", "reference_missing"))
# A refund or a dispute is kept, and acknowledged: to send it again would bring nothing else.
NO_REFERENCE: Final = Expectation(200, "", ("quarantined", "no_reference"))


def expect(delivery: Delivery) -> Expectation:
    """Return what must become of `delivery`, wherever it comes from."""
    if delivery.method.upper() != "POST":
        return Expectation(405, "method_not_allowed")
    if delivery.signature is None:
        return Expectation(401, "signature_missing")
    if delivery.is_too_large:
        return Expectation(413, "body_too_large")
    good = [hmac.new(key.encode(), delivery.received, hashlib.sha512).hexdigest() for key in KEYS]
    if delivery.signature not in good:
        return Expectation(401, "signature_invalid")
    return _expect_signed(delivery.received)


def _expect_signed(raw: bytes) -> Expectation:
    event = _read(raw)
    event_type = event.get("event") if isinstance(event, dict) else None
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        return Expectation(400, "malformed_event", ("quarantined", "malformed_event"))
    data = event["data"] if isinstance(event.get("data"), dict) else {}
    if isinstance(data.get("domain"), str) and data["domain"] != "test":
        return Expectation(200, "", ("quarantined", "wrong_domain"))
    if event_type not in _PLACES:
        return Expectation(200, "", ("ignored", "unknown_type"))
    reference: Any = data
    for name in _PLACES[event_type]:
        reference = reference.get(name) if isinstance(reference, dict) else None
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        return CHARGE_WITHOUT_REFERENCE if event_type in _CHARGES else NO_REFERENCE
    if not reference.startswith("nmk-"):
        return Expectation(200, "", ("ignored", "foreign_reference"))
    return Expectation(200, "", ("received", ""))


def _read(raw: bytes) -> Any:
    """Return the value that `raw` is, or None if it is none that every reader understands alike."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_int=lambda text: int(_short(text)),
            parse_float=lambda text: Decimal(_short(text)),
        )
        return value if _depth(value) <= _MAX_DEPTH else None
    except (ValueError, RecursionError, InvalidOperation):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member stands there twice")
    return dict(pairs)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _short(text: str) -> str:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise ValueError("the number is too long")
    return text


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0

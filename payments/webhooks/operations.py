"""What the webhook says of itself in the API's description."""

from typing import Final

from namaskah.openapi.headers import always, headers_of, limits
from namaskah.openapi.operations import PlainOperations
from namaskah.openapi.problems import answers
from namaskah.openapi.shapes import Schema, members, one_of, text

_CHARGE: Final[Schema] = {
    "type": "object",
    "title": "An event about a charge",
    "properties": {
        "event": one_of(["charge.success", "charge.failed"]),
        "data": {
            "type": "object",
            "properties": {"reference": text(pattern="^[A-Za-z0-9.=_-]{1,100}$")},
            "required": ["reference"],
        },
    },
    "required": ["event", "data"],
}
_OTHER: Final[Schema] = {
    "type": "object",
    "title": "Any other event",
    "properties": {
        "event": {
            **text(pattern="^[a-z_.-]{1,64}$"),
            "not": one_of(["charge.success", "charge.failed"]),
        }
    },
    "required": ["event"],
}
_EXAMPLE: Final = {
    "event": "charge.success",
    "data": {
        "id": 4099260516,
        "domain": "test",
        "status": "success",
        "reference": "nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p",
        "amount": 4125000,
        "currency": "NGN",
    },
}
_RECEIVED: Final[Schema] = {
    "description": "The event is stored, or was before. What follows from it happens outside this request.",
    "headers": headers_of(200),
    "content": {
        "application/json": {"schema": members({"status": one_of(["success"])}), "example": {"status": "success"}}
    },
}
_CODES: Final = (
    "validation_error",
    "malformed_event",
    "reference_missing",
    "signature_missing",
    "signature_invalid",
    "method_not_allowed",
    "body_too_large",
    "rate_limited",
    "internal_error",
    "database_unavailable",
)


def _refusals() -> dict[str, Schema]:
    """Return the refusals; only those for want of a good signature are counted."""
    found = answers(_CODES, is_endpoint=False)
    for status in ("401", "429"):
        found[status]["headers"] |= limits(always)
    return found


WEBHOOK: Final = PlainOperations(
    operations={
        "post": {
            "operationId": "receive_paystack_event",
            "tags": ["Webhook"],
            "summary": "Receive an event from Paystack",
            "description": (
                "The body is taken as it is, whatever its Content-Type, if it is signed with the secret key that this "
                "service shares with Paystack. An event may be delivered any number of times: it takes effect once. "
                "A good signature is never limited."
            ),
            "security": [{"PaystackSignature": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"oneOf": [_CHARGE, _OTHER]}, "example": _EXAMPLE}},
            },
            "responses": {"200": _RECEIVED, **_refusals()},
        }
    }
)

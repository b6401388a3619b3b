"""The headers of requests and answers, as the description names them."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from namaskah.openapi.shapes import MOMENT, Schema, described, one_of, text

_OK: Final = range(200, 300)
# Answered before or without counting, depending on how far the request came.
_PERHAPS_COUNTED: Final = frozenset({400, 500, 503})
_NEVER_COUNTED: Final = frozenset({406})
_PERHAPS_LATER: Final = frozenset({409, 503})

_ANSWERS: Final[dict[str, tuple[str, Schema]]] = {
    "X-Request-ID": (
        "The id of this request: that of the client if it was a UUID, else a new one. It stands in every log line.",
        text(format="uuid"),
    ),
    "RateLimit-Policy": (
        'The limit that this request was counted against: `"name";q=requests;w=seconds`.',
        text(pattern=r'^"[a-z]+";q=[0-9]+;w=60$', examples=['"reads";q=120;w=60']),
    ),
    "RateLimit": (
        'What is left of it: `"name";r=requests left;t=seconds until it is whole again`.',
        text(pattern=r'^"[a-z]+";r=[0-9]+;t=[0-9]+$', examples=['"reads";r=119;t=60']),
    ),
    "Retry-After": ("After how many seconds to come back.", {"type": "integer", "minimum": 0, "examples": [1]}),
    "WWW-Authenticate": ("How to authenticate.", one_of(["Bearer"])),
    "Allow": ("The methods that this address knows.", text(examples=["GET, HEAD"])),
    "Idempotency-Expires": ("Until when the answer to this key is kept.", described(MOMENT, "RFC 3339, in UTC.")),
    "Idempotent-Replayed": (
        "Present if this is the stored answer to an earlier request with the same key.",
        one_of(["true"]),
    ),
}
_IF_ANY: Final = "IfAny"


def components() -> dict[str, Schema]:
    """Return each header twice: as one that is always there, and as one that may be missing."""
    found = {}
    for name, (description, schema) in _ANSWERS.items():
        found[name] = {"description": description, "required": True, "schema": schema}
        found[f"{name}-{_IF_ANY}"] = {"description": description, "schema": schema}
    return found


def headers_of(status: int, *, is_endpoint: bool = False, has_key: bool = False) -> dict[str, Any]:
    """Return the headers that an answer with `status` has; an endpoint counts its requests and wants an API key."""
    headers = {"X-Request-ID": always("X-Request-ID")}
    if is_endpoint and status not in _NEVER_COUNTED:
        headers |= limits(perhaps if status in _PERHAPS_COUNTED else always)
    if is_endpoint and status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = always("WWW-Authenticate")
    if has_key:
        headers |= _of_keys(status)
    return headers | {name: place(name) for name, place in _BY_STATUS.get(status, {}).items()}


def limits(place: Callable[[str], Schema]) -> dict[str, Schema]:
    """Return the headers that tell of limits."""
    return {name: place(name) for name in ("RateLimit-Policy", "RateLimit")}


def _of_keys(status: int) -> dict[str, Any]:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_ACCEPTABLE}:
        # Refused before anybody looked at whose key it is.
        return {}
    # A refusal by the gateway is stored like a success.
    if status in _OK or status == HTTPStatus.BAD_GATEWAY:
        return {
            "Idempotency-Expires": always("Idempotency-Expires"),
            "Idempotent-Replayed": perhaps("Idempotent-Replayed"),
        }
    return {"Idempotency-Expires": perhaps("Idempotency-Expires")}


def always(name: str) -> Schema:
    """Return the header as one that is always there."""
    return {"$ref": f"#/components/headers/{name}"}


def perhaps(name: str) -> Schema:
    """Return the header as one that may be missing."""
    return {"$ref": f"#/components/headers/{name}-{_IF_ANY}"}


_BY_STATUS: Final = {
    405: {"Allow": always},
    409: {"Retry-After": perhaps},
    429: {"Retry-After": always},
    503: {"Retry-After": perhaps},
}

REQUEST_ID: Final[Schema] = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of your own for this request. A UUID is taken over, anything else is replaced by a new one.",
    "schema": {"type": "string"},
}
_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": text(format="uuid", examples=["0b9f2c6e-6a0e-4a55-9a3e-2f1d1c0b7a11"]),
}
REQUIRED_KEY: Final[Schema] = {
    **_KEY,
    "required": True,
    "description": (
        "A new UUID for each thing that you want done, and the same one whenever you repeat the request: it is then "
        "done once, and you get the first answer again. It may stand in double quotes."
    ),
}
OPTIONAL_KEY: Final[Schema] = {
    **_KEY,
    "description": "Allowed and without effect: this operation may be repeated as it is.",
}

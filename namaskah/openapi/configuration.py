"""drf-spectacular's settings; read by the project's, so nothing of Django or of ours is imported here."""

from typing import Any, Final

_DESCRIPTION: Final = """\
Buy credits through Paystack, and spend them.

* **Who is calling**: send `Authorization: Bearer <API key>`. A key sees the rows of its own user alone.
* **Money**: credits are decimal strings such as `"25.00"`; one credit is a US dollar. Members that end in `_minor` are
  integers in the currency's subunit.
* **Time**: RFC 3339 in UTC, such as `2026-11-21T10:00:00Z`.
* **Repeating a request**: what moves money needs an `Idempotency-Key`. Send the same key again after a lost answer: the
  work is done once, and you get the first answer again.
* **Refusals**: `application/problem+json` with a stable `code`. Its page, `/api/problems/{code}`, tells what happened,
  what to do, and whether to send the request again.
* **Limits**: `RateLimit` and `RateLimit-Policy` stand on every limited answer; a 429 tells in `Retry-After` when to
  come back.
* **Unknown members are refused**, so that a misspelt one is noticed.
"""

SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Namaskah payments",
    "DESCRIPTION": _DESCRIPTION,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "This service"}],
    "TAGS": [
        {"name": "Payments", "description": "Buying credits."},
        {"name": "Billing", "description": "The wallet and its ledger."},
        {"name": "Client", "description": "Your own limits and idempotency keys."},
        {"name": "Webhook", "description": "Where Paystack delivers its events. Nobody else calls it."},
        {"name": "Health", "description": "For probes and load balancers."},
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": ["namaskah.openapi.hooks.add_what_is_shared"],
}

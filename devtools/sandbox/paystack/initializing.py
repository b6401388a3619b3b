"""`POST /transaction/initialize` (https://paystack.com/docs/api/transaction/#initialize)."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger import payments
from devtools.sandbox.ledger.payments import Order
from devtools.sandbox.paystack.amounts import read_amount
from devtools.sandbox.paystack.envelopes import success
from devtools.sandbox.refusals import Refusal
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request

CHANNELS: Final = (
    "card",
    "bank",
    "apple_pay",
    "ussd",
    "qr",
    "mobile_money",
    "bank_transfer",
    "eft",
    "capitec_pay",
    "payattitude",
)
_EMAIL: Final = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# The underscore is not documented, but taken.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9.=_-]+")


def initialize(sandbox: Sandbox, request: Request) -> Answer:
    """Make a checkout page."""
    order = _read_order(request.fields, sandbox)
    with sandbox.database.work() as connection:
        transaction = payments.place_order(connection, order)
    page = {
        "authorization_url": f"{sandbox.url}/checkout/{transaction.access_code}",
        "access_code": transaction.access_code,
        "reference": transaction.reference,
    }
    return success("Authorization URL created", page)


def _read_order(fields: Mapping[str, Any], sandbox: Sandbox) -> Order:
    """Read the order, and refuse in the order in which Paystack looks.

    :raises Refusal: if a field is missing or wrong.
    """
    email = _read_email(fields.get("email"))
    amount = read_amount(fields.get("amount"))
    if amount is None:
        raise Refusal("Amount is required", code="missing_params")
    currency = fields.get("currency") or sandbox.settings.currencies[0]
    if currency not in sandbox.settings.currencies:
        raise Refusal("Currency not supported by merchant")
    return Order(
        email=email,
        amount_minor=amount,
        currency=currency,
        reference=_read_reference(fields.get("reference")),
        domain=sandbox.settings.domain,
        metadata=_read_metadata(fields.get("metadata")),
        callback_url=_read_callback_url(fields.get("callback_url")),
        channels=_read_channels(fields.get("channels")),
    )


def _read_email(value: object) -> str:
    if not value:
        raise Refusal(
            "Email Address is required",
            code="missing_params",
            next_step="Provide all required params",
        )
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise Refusal("Invalid Email Address Passed", code="invalid_email_address")
    return value


def _read_reference(value: object) -> str:
    if value is None or value == "":
        return make_code("T")
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise Refusal("Invalid character in transaction reference")
    return value


def _read_callback_url(value: object) -> str:
    if not value:
        return ""
    if not isinstance(value, str) or not value.isprintable() or not value.isascii():
        raise Refusal('"callback_url" must be a valid uri')
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refusal('"callback_url" must be a valid uri')
    return value


def _read_channels(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(channel in CHANNELS for channel in value):
        raise Refusal(f'"channels" must be an array of {", ".join(CHANNELS)}')
    return tuple(value)


def _read_metadata(value: object) -> str:
    """Return metadata as JSON: text that is JSON keeps its types, in an object numbers become text, none is ""."""
    if value is None:
        return json.dumps("")
    if not isinstance(value, str):
        return json.dumps(_with_numbers_as_text(value))
    try:
        return json.dumps(json.loads(value))
    except (ValueError, RecursionError):
        return json.dumps(value)


def _with_numbers_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_numbers_as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers_as_text(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value

"""What a generated request cannot know by itself; loaded by `st run`.

A key is used once, a delivery is signed, a payer is sent back to a host that is allowed, and a
cursor is one that was given out. All of that stands in no schema.
"""

import json
import os
import uuid
from typing import Any

import httpx
import requests
import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure

from tests.described import close
from tests.events import sign

SECRET_KEY = os.environ["FUZZING_PAYSTACK_SECRET_KEY"]
CALLBACK_HOST = os.environ["FUZZING_CALLBACK_HOST"]
CURSORS = json.loads(os.environ["FUZZING_CURSORS"])
KEY, SIGNATURE = "Idempotency-Key", "x-paystack-signature"
WEBHOOK = "/api/v1/payments/paystack/webhook"


class Paystack(requests.auth.AuthBase):
    """Signs the body as it is sent, unless the request brings a signature of its own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        request.headers.setdefault(SIGNATURE, sign(raw, key=SECRET_KEY))
        return request


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Let no answer have a member that the description does not name; clients must bear them, we need not."""
    close(raw_schema)


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Complete the request."""
    if _is_uuid(case.headers.get(KEY)):
        # Generators like to repeat themselves, and a key that was used is refused.
        case.headers[KEY] = str(uuid.uuid4())
    if case.path == WEBHOOK and SIGNATURE not in case.headers:
        kwargs["auth"] = Paystack()
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _make_acceptable(case)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Overlook a request line of over 4,094 bytes: the web server refuses it before the product sees it."""
    return response.status_code != httpx.codes.REQUEST_URI_TOO_LONG


def _make_acceptable(case: Case) -> None:
    body = case.body if isinstance(case.body, dict) else {}
    if "callback_url" in body:
        body["callback_url"] = f"https://{CALLBACK_HOST}/{uuid.uuid4()}"
    for name, places in (("amount_usd", 2), ("amount", 4)):
        if isinstance(body.get(name), float):
            # How many decimals a number may have cannot be described: validators reckon in binary fractions.
            body[name] = round(body[name], places)
    if isinstance(body.get("user_id"), float):
        # To a schema 5.0 is an integer, and the product refuses it: nobody's id is written so.
        body["user_id"] = int(body["user_id"])
    if "cursor" in case.query:
        case.query["cursor"] = CURSORS[case.path]


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False

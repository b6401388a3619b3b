"""How the contract writes money, times and ids: every member of every answer."""

import re
from uuid import uuid4

import pytest

from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.integration.api.clients import (
    BALANCE,
    IDEMPOTENCY,
    LIMITS,
    PAYMENTS,
    QUOTE,
    SUMMARY,
    TRANSACTIONS,
    field_codes,
    read,
)

pytestmark = pytest.mark.django_db

MONEY = re.compile(r"-?[0-9]+\.[0-9]{2}([0-9]{2})?")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORD = re.compile(r"[a-z_]*")
TEXT = re.compile(r".*")
URL = re.compile(r"https?://.+")
REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
RATE = re.compile(r"[0-9]+\.[0-9]{6}")
CURRENCY = re.compile(r"[A-Z]{3}")

FORMS = {
    **dict.fromkeys(["amount_usd", "credits", "amount_credited", "new_balance", "amount", "balance_after"], MONEY),
    **dict.fromkeys(["balance", "held", "available", "credited", "spent", "refunded", "reversed", "adjusted"], MONEY),
    **dict.fromkeys(["created_at", "updated_at", "expires_at", "paid_at", "state_transitions.at"], TIME),
    **dict.fromkeys(["from", "to"], TIME),
    **dict.fromkeys(["payment_id", "id", "key"], ID),
    **dict.fromkeys(["reference", "payment_reference", "reverses", "resource"], REFERENCE),
    **dict.fromkeys(["state", "status", "type", "recovery_point", "name", "channel", "review_reason"], WORD),
    **dict.fromkeys(["error_code", "state_transitions.source", "state_transitions.reason"], WORD),
    **dict.fromkeys(["state_transitions.from", "state_transitions.to"], WORD),
    **dict.fromkeys(["access_code", "message", "error_message", "description", "service", "method", "route"], TEXT),
    **dict.fromkeys(["authorization_url", "next", "previous"], URL),
    **dict.fromkeys(["amount_minor", "user_id", "days", "limit", "window_seconds", "used", "remaining"], int),
    **dict.fromkeys(["resets_in_seconds", "response_status", "replays"], int),
    **dict.fromkeys([f"count.{kind}" for kind in ("credit", "debit", "refund", "reversal", "adjustment")], int),
    "exchange_rate": RATE,
    "currency": CURRENCY,
}
MAY_BE_NULL = {
    *("authorization_url", "access_code", "amount_credited", "next", "previous", "paid_at", "updated_at"),
    *("payment_reference", "reverses", "response_status", "state_transitions.from"),
}


@pytest.fixture
def answers(api, service, sandbox):
    """Return one answer of every kind, of a user to whom everything has happened."""
    key, debit_key = uuid4(), uuid4()
    begun = api.initialize(key=key)
    reference = read(begun)["reference"]
    sandbox.pay(reference)
    verified = api.verify(reference)
    PaymentFactory(user=api.user, at=PaymentState.FAILED)
    post(api.user)
    debit = service.debit(api.user, "1.2345", key=debit_key, description="One SMS")
    reads = [f"{PAYMENTS}/{reference}", f"{PAYMENTS}?page_size=1", f"{QUOTE}?amount_usd=25.00", BALANCE]
    reads += [TRANSACTIONS, f"{TRANSACTIONS}?page_size=1", SUMMARY, LIMITS, f"{IDEMPOTENCY}/{key}"]
    return [
        *(begun, verified, debit, service.reverse(read(debit)["reference"], amount="0.2345")),
        *(service.get(f"{IDEMPOTENCY}/{debit_key}"), service.get(BALANCE)),
        *(api.get(path) for path in reads),
    ]


def test_every_member_of_every_answer_has_its_form(answers):
    assert {answer.status_code for answer in answers} <= {200, 201}
    members = [member for answer in answers for member in _walk(read(answer))]

    wrong = [(name, value) for name, value in members if not _fits(name, value)]

    assert wrong == []
    assert {name for name, _ in members} == set(FORMS)


def _walk(value, prefix=""):
    """Yield name and value of every leaf; rows of a list go by the names of their members."""
    if isinstance(value, list):
        for row in value:
            yield from _walk(row, prefix)
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = name if prefix in {"", "results", "limits"} else f"{prefix}.{name}"
            yield from _walk(member, inner)
    else:
        yield prefix, value


def _fits(name, value):
    form = FORMS.get(name)
    if value is None:
        return name in MAY_BE_NULL
    if form is int:
        return type(value) is int
    return isinstance(value, str) and form is not None and form.fullmatch(value) is not None


@pytest.mark.parametrize(
    ("amount", "written"),
    [("1", "-1.00"), (1, "-1.00"), (1.5, "-1.50"), ("1.25", "-1.25"), ("0.1250", "-0.1250"), ("0.0001", "-0.0001")],
)
def test_money_is_read_as_text_or_number_and_written_with_two_or_four_decimals(api, service, amount, written):
    post(api.user)

    assert read(service.debit(api.user, amount))["amount"] == written


def test_dollars_of_a_purchase_have_two_decimals(api):
    assert field_codes(api.initialize(amount_usd="25.001")) == [("amount_usd", "max_places")]


def test_credits_have_four_decimals(api, service):
    assert field_codes(service.debit(api.user, "1.00001")) == [("amount", "max_places")]

"""Lists, details and balance: whose they are, what they show, what they cost."""

import base64
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from billing.models import Transaction
from namaskah.identifiers import new_id
from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import request
from tests.integration.api.clients import BILLING, INITIALIZE, PAYMENTS, VERIFY, field_codes, problem, read

pytestmark = pytest.mark.django_db

BALANCE = f"{BILLING}/balance"
TRANSACTIONS = f"{BILLING}/transactions"


def _detail(payment):
    return f"{PAYMENTS}/{payment.reference}"


def _cursor(text):
    return base64.b64encode(text.encode()).decode()


def test_balance_without_a_wallet_is_nothing(api):
    answer = api.get(BALANCE)

    assert (answer.status_code, read(answer)) == (
        200,
        {"balance": "0.00", "held": "0.00", "available": "0.00", "currency": "USD", "updated_at": None},
    )


def test_balance_is_the_callers_own(api, other_api):
    post(api.user, amount=Decimal("12.3450"))
    post(other_api.user, amount=Decimal(99))

    body = read(api.get(BALANCE))

    assert (body["balance"], body["held"], body["available"]) == ("12.3450", "0.00", "12.3450")
    assert body["updated_at"].endswith("Z")
    assert datetime.fromisoformat(body["updated_at"]).tzinfo == UTC


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
def test_a_list_of_nothing_is_an_empty_page(api, path):
    answer = api.get(path)

    assert (answer.status_code, read(answer)) == (200, {"next": None, "previous": None, "results": []})


def test_payments_are_listed_newest_first_with_what_they_cost(api):
    old = PaymentFactory(user=api.user)
    new = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)

    rows = read(api.get(PAYMENTS))["results"]

    assert [row["reference"] for row in rows] == [new.reference, old.reference]
    assert rows[0] == {
        "payment_id": str(new.pk),
        "reference": new.reference,
        "authorization_url": None,
        "access_code": None,
        "state": "completed",
        "amount_usd": "25.00",
        "credits": "25.00",
        "currency": "NGN",
        "amount_minor": 4_125_000,
        "exchange_rate": "1650.000000",
        "created_at": rows[0]["created_at"],
        "amount_credited": "25.00",
    }
    assert rows[1]["amount_credited"] is None


def test_a_payment_tells_its_story(api, sandbox):
    reference = read(api.initialize())["reference"]
    sandbox.pay(reference)
    api.verify(reference)

    body = read(api.get(f"{PAYMENTS}/{reference}"))

    steps = body["state_transitions"]
    assert [(step["from"], step["to"], step["source"], step["reason"]) for step in steps] == [
        (None, "pending", "api", "initialized"),
        ("pending", "processing", "api", "checkout_opened"),
        ("processing", "completed", "api", "paid"),
    ]
    assert {frozenset(step) for step in steps} == {frozenset({"from", "to", "at", "source", "reason"})}
    assert (body["channel"], body["refunds"], body["review_reason"], body["error_code"]) == ("card", [], "", "")
    assert body["paid_at"].endswith("Z")
    assert (body["state"], body["amount_credited"]) == ("completed", "25.00")


def test_transactions_are_listed_newest_first_with_their_payment(api):
    payment = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    spent = post(api.user, amount=Decimal("-0.1250"), description="An SMS")

    rows = read(api.get(TRANSACTIONS))["results"]

    assert [(row["amount"], row["balance_after"], row["payment_reference"]) for row in rows] == [
        ("-0.1250", "24.8750", None),
        ("25.00", "25.00", payment.reference),
    ]
    assert rows[0] == {
        "id": str(spent.pk),
        "type": "adjustment",
        "amount": "-0.1250",
        "balance_after": "24.8750",
        "reference": spent.reference,
        "description": "An SMS",
        "service": "",
        "payment_reference": None,
        "reverses": None,
        "status": "completed",
        "created_at": rows[0]["created_at"],
    }


def test_nothing_of_another_user_is_seen_anywhere(api, other_api):
    payment = PaymentFactory(user=other_api.user, at=PaymentState.COMPLETED)

    assert problem(api.get(_detail(payment))) == (404, "payment_not_found")
    assert problem(api.verify(payment.reference)) == (404, "payment_not_found")
    assert read(api.get(PAYMENTS))["results"] == []
    assert read(api.get(TRANSACTIONS))["results"] == []
    assert read(api.get(BALANCE))["balance"] == "0.00"
    assert other_api.get(_detail(payment)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", INITIALIZE),
        ("post", VERIFY),
        ("get", PAYMENTS),
        ("get", f"{PAYMENTS}/nmk-0"),
        ("get", BALANCE),
        ("get", TRANSACTIONS),
    ],
)
def test_every_address_wants_a_key(db, method, path):
    answer = getattr(Client(), method)(path)

    assert problem(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("reference", ["nmk-" + "0" * 36, "%00", "x" * 500, "%2e%2e", "é"])
def test_a_payment_that_is_none_is_404(api, reference):
    assert problem(api.get(f"{PAYMENTS}/{reference}")) == (404, "payment_not_found")


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
def test_a_read_costs_the_same_for_one_row_and_for_three(api, django_assert_num_queries, path):
    counts = []
    for more in (1, 2):
        PaymentFactory.create_batch(more, user=api.user, at=PaymentState.COMPLETED)
        # The key with its user, and the rows; the key's use was noted before.
        api.get(BALANCE)
        with django_assert_num_queries(2):
            answer = api.get(path)
        counts.append(len(read(answer)["results"]))

    assert counts == [1, 3]


def test_a_payment_costs_the_same_without_refunds_with_one_and_with_three(api, django_assert_num_queries):
    payment = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    counts = []
    for more in (0, 1, 2):
        for _ in range(more):
            request(payment, "1.00")
        api.get(BALANCE)
        # The key with its user, the payment, and its refunds.
        with django_assert_num_queries(3):
            answer = api.get(_detail(payment))
        counts.append(len(read(answer)["refunds"]))

    assert counts == [0, 1, 3]


@pytest.mark.parametrize("size", ["1", "200"])
def test_a_page_size_that_can_be_had_is_had(api, size):
    assert api.get(PAYMENTS, page_size=size).status_code == 200


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
@pytest.mark.parametrize("size", ["0", "201", "-1", "abc", "", "1.5", "1e2", "+5", "01", "\u0665", "9" * 100, "\x00"])
def test_a_page_size_that_cannot_be_had_is_refused(api, path, size):
    answer = api.get(path, page_size=size)

    assert problem(answer) == (400, "validation_error")
    assert [error["field"] for error in read(answer)["errors"]] == ["page_size"]


def test_a_page_holds_fifty_unless_told_otherwise(api):
    PaymentFactory.create_batch(51, user=api.user)

    body = read(api.get(PAYMENTS))

    assert len(body["results"]) == 50
    assert body["next"] is not None


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        "\x00",
        "é",
        _cursor("p=abc"),
        _cursor("p=1"),
        _cursor("p=\x00"),
        _cursor("p=%00"),
        _cursor("p=' OR 1=1"),
        _cursor("o=abc"),
        _cursor("o=-1"),
        _cursor("r=x"),
        _cursor("p=9999999999999999999999999999999999999999"),
        _cursor("p=01a1fdc0-7cc7-7519-9a6f-3df84ed863ae") + "!",
    ],
)
@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
def test_a_cursor_that_we_did_not_give_out_is_refused(api, path, cursor):
    PaymentFactory(user=api.user, at=PaymentState.COMPLETED)

    answer = api.get(path, cursor=cursor)

    assert problem(answer) == (400, "validation_error")
    assert [error["field"] for error in read(answer)["errors"]] == ["cursor"]


def test_a_cursor_of_another_user_is_refused(api, other_api):
    PaymentFactory.create_batch(3, user=other_api.user)
    theirs = read(other_api.get(PAYMENTS, page_size=1))["next"]

    assert field_codes(api.get(theirs)) == [("cursor", "invalid")]


def test_pages_neither_repeat_nor_miss_a_row_while_rows_are_added(api):
    first = [PaymentFactory(user=api.user).reference for _ in range(5)]
    seen, address = [], f"{PAYMENTS}?page_size=2"

    while address:
        body = read(api.get(address))
        seen += [row["reference"] for row in body["results"]]
        address = body["next"]
        PaymentFactory(user=api.user)

    assert seen == first[::-1]


def test_pages_lead_back_to_the_first(api):
    PaymentFactory.create_batch(3, user=api.user)
    first = read(api.get(PAYMENTS, page_size=2))
    second = read(api.get(first["next"]))

    back = read(api.get(second["previous"]))

    assert back["results"] == first["results"]
    assert (len(second["results"]), second["next"]) == (1, None)


def test_the_ledger_agrees_with_the_balance(api):
    post(api.user, amount=Decimal(10))
    post(api.user, amount=Decimal("-2.5000"))

    rows = read(api.get(TRANSACTIONS))["results"]

    total = sum(Decimal(row["amount"]) for row in rows)
    assert (total, rows[0]["balance_after"], api.balance()) == (Decimal("7.5"), "7.50", "7.50")
    assert Transaction.objects.count() == 2


def test_transactions_are_listed_by_their_number_whatever_the_clock_that_made_their_ids(api, monkeypatch):
    newer_id, older_id = new_id(), new_id()
    ids = iter([max(newer_id, older_id), min(newer_id, older_id)])
    monkeypatch.setattr(Transaction._meta.pk, "default", lambda: next(ids))
    for amount in (10, -1):
        post(api.user, amount=Decimal(amount))

    rows = read(api.get(TRANSACTIONS))["results"]

    assert [row["balance_after"] for row in rows] == ["9.00", "10.00"]

"""Refunds as Paystack takes and lists them: from scripted answers, and from the sandbox."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from devtools.sandbox import server
from namaskah.errors import (
    GatewayMisconfiguredError,
    GatewayOutcomeUnknownError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from payments.gateways.paystack import refunds, transactions
from payments.gateways.paystack.connections import close_connections
from payments.gateways.paystack.refunds import ListedRefunds, RefundReport
from tests.events import SECRET_KEY

from .scripted_gateway import answer, hang_up, reset, send_half

REFERENCE = "nmk-01k9qz7x2m"
NOTE = "rfd-01k9qz7x2m"
# As documented at https://paystack.com/docs/api/refund: the transaction is an object here, a number in lists.
CREATED = {
    "status": True,
    "message": "Refund has been queued for processing",
    "data": {
        "transaction": {"id": 5873310462, "domain": "test", "reference": REFERENCE, "amount": 2500000},
        "integration": 581204,
        "deducted_amount": 0,
        "channel": None,
        "merchant_note": NOTE,
        "customer_note": "Refund",
        "status": "pending",
        "currency": "NGN",
        "domain": "test",
        "amount": 1000000,
        "fully_deducted": False,
        "id": 18633077,
        "createdAt": "2026-11-06T09:21:17.122Z",
    },
}
LISTED = {**CREATED["data"], "transaction": 5873310462}
REPORT = RefundReport(
    refund_id=18633077,
    status="pending",
    amount_minor=1000000,
    currency="NGN",
    transaction_id=5873310462,
    merchant_note=NOTE,
    created_at=datetime(2026, 11, 6, 9, 21, 17, 122000, tzinfo=UTC),
)
UNUSABLE = [
    {"id": None},
    {"id": 0},
    {"id": "eighteen"},
    {"id": True},
    {"amount": None},
    {"amount": 0},
    {"amount": -1},
    {"amount": 10.5},
    {"status": None},
    {"status": ""},
    {"status": 7},
]


def create():
    return refunds.create_refund(reference=REFERENCE, amount_minor=1000000, currency="NGN", merchant_note=NOTE)


def created_with(**changes):
    return answer(200, {**CREATED, "data": {**CREATED["data"], **changes}})


def listed(*rows):
    return answer(200, {"status": True, "message": "Refunds retrieved", "data": list(rows)})


def test_create_refund_returns_what_was_queued_and_the_redacted_answer(gateway):
    gateway.play(answer(200, CREATED))

    created = create()

    assert created.report == REPORT
    assert (created.answer["http_status"], created.answer["message"]) == (200, "Refund has been queued for processing")


def test_create_refund_sends_what_is_asked_once(gateway):
    gateway.play(answer(200, CREATED))

    create()

    [request] = gateway.requests
    assert (request.method, request.path) == ("POST", "/refund")
    assert json.loads(request.body) == {
        "transaction": REFERENCE,
        "amount": 1000000,
        "currency": "NGN",
        "merchant_note": NOTE,
    }


@pytest.mark.parametrize("changes", UNUSABLE, ids=str)
def test_create_refund_with_an_unusable_answer_is_outcome_unknown(changes, gateway):
    gateway.play(created_with(**changes))

    with pytest.raises(GatewayOutcomeUnknownError):
        create()

    assert len(gateway.requests) == 1


@pytest.mark.parametrize("body", [None, [], "queued", {"data": None}, {"data": []}, {"status": True}])
def test_create_refund_without_a_refund_in_the_answer_is_outcome_unknown(body, gateway):
    gateway.play(answer(200, body))

    with pytest.raises(GatewayOutcomeUnknownError):
        create()


@pytest.mark.parametrize("behaviour", [reset, hang_up, send_half, answer(500, {}), answer(503, b"<html>")])
def test_create_refund_without_an_answer_is_outcome_unknown_and_never_sent_twice(behaviour, gateway):
    gateway.play(behaviour)

    with pytest.raises(GatewayOutcomeUnknownError):
        create()

    assert len(gateway.requests) == 1


def test_create_refund_that_is_refused_says_why(gateway):
    body = {"status": False, "message": "Transaction has been fully reversed", "code": "transaction_reversed"}
    gateway.play(answer(400, body))

    with pytest.raises(GatewayRejectedError) as refusal:
        create()

    assert (refusal.value.detail, refusal.value.gateway_code) == (body["message"], "transaction_reversed")


@pytest.mark.parametrize(("status", "error"), [(401, GatewayMisconfiguredError), (429, GatewayUnavailableError)])
def test_create_refund_that_was_not_taken_may_be_sent_again(status, error, gateway):
    gateway.play(answer(status, {"status": False, "message": "No"}))

    with pytest.raises(error):
        create()

    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"status": "needs-attention"}, {"status": "needs-attention"}),
        ({"status": "brand-new"}, {"status": "brand-new"}),
        ({"id": "18633077", "amount": "1000000"}, {}),
        ({"id": 9223372036854775807}, {"refund_id": 9223372036854775807}),
        ({"transaction": {"id": None}}, {"transaction_id": None}),
        ({"transaction": None}, {"transaction_id": None}),
        ({"merchant_note": None}, {"merchant_note": ""}),
        ({"merchant_note": 7}, {"merchant_note": ""}),
        ({"currency": None}, {"currency": ""}),
        ({"createdAt": None, "created_at": "2026-11-06T09:21:17.122Z"}, {}),
        ({"createdAt": "yesterday"}, {"created_at": None}),
        ({"createdAt": "2026-11-06T09:21:17"}, {"created_at": None}),
    ],
    ids=str,
)
def test_report_of_an_odd_answer(changes, read, gateway):
    gateway.play(created_with(**changes))

    report = create().report

    expected = {name: getattr(REPORT, name) for name in RefundReport.__slots__} | read
    assert {name: getattr(report, name) for name in RefundReport.__slots__} == expected


def test_list_refunds_asks_for_the_number_of_the_transaction(gateway):
    gateway.play(listed(LISTED))

    found = refunds.list_refunds(transaction_id=5873310462, page=3)

    assert found.reports == (REPORT,)
    assert gateway.requests[0].path == "/refund?transaction=5873310462&perPage=100&page=3"


def test_list_refunds_without_any(gateway):
    gateway.play(listed())

    assert refunds.list_refunds(transaction_id=1).reports == ()


@pytest.mark.parametrize("changes", UNUSABLE, ids=str)
def test_list_refunds_with_a_row_that_cannot_be_read_is_no_list(changes, gateway):
    # Half a list would make a refund look as if it had never been made.
    gateway.play(listed(LISTED, {**LISTED, **changes}))

    with pytest.raises(GatewayUnavailableError):
        refunds.list_refunds(transaction_id=1)


@pytest.mark.parametrize("rows", [None, {}, "none", [None], [[]], ["18633077"]])
def test_list_refunds_that_is_no_list_is_no_answer(rows, gateway):
    gateway.play(answer(200, {"status": True, "message": "Refunds retrieved", "data": rows}))

    with pytest.raises(GatewayUnavailableError):
        refunds.list_refunds(transaction_id=1)


def test_list_refunds_is_asked_again_while_there_is_no_answer(gateway):
    gateway.play(reset, answer(500, {}), listed(LISTED))

    assert refunds.list_refunds(transaction_id=1).reports == (REPORT,)
    assert len(gateway.requests) == 3


def test_list_refunds_between_asks_for_the_period(gateway):
    gateway.play(listed(LISTED))
    after = datetime(2026, 11, 6, tzinfo=UTC)

    found = refunds.list_refunds_between(after=after, before=after + timedelta(days=1), page=2)

    assert found.reports == (REPORT,)
    asked = parse_qs(urlsplit(gateway.requests[0].path).query)
    assert asked == {
        "from": ["2026-11-06T00:00:00+00:00"],
        "to": ["2026-11-07T00:00:00+00:00"],
        "perPage": ["100"],
        "page": ["2"],
    }


@pytest.mark.parametrize(("rows", "page", "is_last"), [(0, 1, True), (99, 1, True), (100, 1, False), (100, 10, True)])
def test_is_last_page(rows, page, is_last):
    assert refunds.is_last_page(ListedRefunds(reports=(REPORT,) * rows, answer={}), page=page) is is_last


@pytest.fixture
def sandbox(settings):
    with server.running(secret_key=SECRET_KEY, webhook_url="") as running:
        settings.PAYSTACK_BASE_URL = running.url
        transactions.initialize_transaction(
            email="ada@example.com", amount_minor=2500000, currency="NGN", reference=REFERENCE
        )
        yield running
        close_connections()


def test_refund_of_the_sandbox_is_created_and_listed(sandbox):
    paid = sandbox.pay(REFERENCE, deliveries=0)["transaction"]

    created = create().report
    [found] = refunds.list_refunds(transaction_id=paid["id"]).reports

    assert found == created
    assert (found.status, found.amount_minor, found.currency) == ("pending", 1000000, "NGN")
    assert (found.transaction_id, found.merchant_note) == (paid["id"], NOTE)


@pytest.mark.parametrize("status", ["processing", "needs-attention", "processed", "failed"])
def test_refund_of_the_sandbox_is_listed_where_it_is(status, sandbox):
    paid = sandbox.pay(REFERENCE, deliveries=0)["transaction"]
    sandbox.move_refund(create().report.refund_id, status, deliveries=0)

    assert [report.status for report in refunds.list_refunds(transaction_id=paid["id"]).reports] == [status]


def test_refund_beyond_what_the_sandbox_has_is_rejected(sandbox):
    sandbox.pay(REFERENCE, deliveries=0)
    create()
    create()

    with pytest.raises(GatewayRejectedError, match="Total refund amount cannot exceed original"):
        create()


def test_refund_of_an_unpaid_transaction_of_the_sandbox_is_rejected(sandbox):
    with pytest.raises(GatewayRejectedError, match="Transaction has not been paid"):
        create()

"""Disputes as Paystack tells of them: from scripted answers, and from the sandbox."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devtools.sandbox import server
from namaskah.errors import GatewayRejectedError, GatewayUnavailableError
from payments.gateways.paystack import disputes, transactions
from payments.gateways.paystack.connections import close_connections
from payments.gateways.paystack.disputes import LOST, RESOLVED, WON, DisputeReport
from tests.events import SECRET_KEY

from .scripted_gateway import answer, reset

REFERENCE = "nmk-01k9qz7x2m"
# As documented at https://paystack.com/docs/api/dispute.
DISPUTE = {
    "id": 2867,
    "refund_amount": 2500000,
    "currency": "NGN",
    "resolution": None,
    "domain": "test",
    "status": "awaiting-merchant-feedback",
    "category": "chargeback",
    "dueAt": "2026-11-10T18:00:00.000Z",
    "resolvedAt": None,
    "transaction": {"id": 5873310462, "reference": REFERENCE, "amount": 2500000},
}
REPORT = DisputeReport(
    dispute_id=2867,
    status="awaiting-merchant-feedback",
    resolution="",
    category="chargeback",
    amount_minor=2500000,
    currency="NGN",
    reference=REFERENCE,
    due_at=datetime(2026, 11, 10, 18, tzinfo=UTC),
    resolved_at=None,
)


def told(**changes):
    return answer(200, {"status": True, "message": "Dispute retrieved", "data": {**DISPUTE, **changes}})


def test_fetch_dispute_returns_what_is_told_and_the_redacted_answer(gateway):
    gateway.play(told())

    found = disputes.fetch_dispute(2867)

    assert found.report == REPORT
    assert (found.answer["http_status"], found.answer["message"]) == (200, "Dispute retrieved")
    [request] = gateway.requests
    assert (request.method, request.path) == ("GET", "/dispute/2867")


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        (
            {"status": "resolved", "resolution": "declined", "resolvedAt": "2026-11-09T18:00:00Z"},
            {"status": "resolved", "resolution": "declined", "resolved_at": datetime(2026, 11, 9, 18, tzinfo=UTC)},
        ),
        ({"status": "archived"}, {"status": "archived"}),
        ({"id": "2867", "refund_amount": "2500000"}, {}),
        ({"refund_amount": None}, {"amount_minor": None}),
        ({"refund_amount": 0}, {"amount_minor": None}),
        ({"refund_amount": -1}, {"amount_minor": None}),
        ({"category": None}, {"category": ""}),
        ({"currency": 7}, {"currency": ""}),
        ({"dueAt": None}, {"due_at": None}),
        ({"dueAt": "soon"}, {"due_at": None}),
        ({"resolution": 7}, {"resolution": ""}),
    ],
    ids=str,
)
def test_fetch_dispute_reads_what_it_can(changes, read, gateway):
    gateway.play(told(**changes))

    report = disputes.fetch_dispute(2867).report

    expected = {name: getattr(REPORT, name) for name in DisputeReport.__slots__} | read
    assert {name: getattr(report, name) for name in DisputeReport.__slots__} == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 2868},
        {"id": None},
        {"status": None},
        {"status": ""},
        {"transaction": None},
        {"transaction": 5873310462},
        {"transaction": {}},
        {"transaction": {"reference": None}},
        {"transaction": {"reference": "nmk-\x00"}},
    ],
    ids=str,
)
def test_fetch_dispute_with_an_unusable_answer_is_no_answer(changes, gateway):
    gateway.play(told(**changes))

    with pytest.raises(GatewayUnavailableError):
        disputes.fetch_dispute(2867)


@pytest.mark.parametrize("data", [None, [], [DISPUTE], "dispute", 2867])
def test_fetch_dispute_without_a_dispute_is_no_answer(data, gateway):
    gateway.play(answer(200, {"status": True, "message": "Dispute retrieved", "data": data}))

    with pytest.raises(GatewayUnavailableError):
        disputes.fetch_dispute(2867)


def test_fetch_dispute_is_asked_again_while_there_is_no_answer(gateway):
    gateway.play(reset, answer(503, b"<html>"), told())

    assert disputes.fetch_dispute(2867).report == REPORT
    assert len(gateway.requests) == 3


def test_fetch_dispute_that_is_not_known_is_rejected(gateway):
    gateway.play(answer(404, {"status": False, "message": "Dispute not found"}))

    with pytest.raises(GatewayRejectedError, match="Dispute not found"):
        disputes.fetch_dispute(2867)


def told_all(*rows):
    return answer(200, {"status": True, "message": "Disputes retrieved", "data": list(rows)})


def test_list_disputes_between_asks_for_one_page_of_a_period(gateway):
    gateway.play(told_all(DISPUTE, {**DISPUTE, "id": 2866}))

    listed = disputes.list_disputes_between(
        after=datetime(2026, 11, 20, tzinfo=UTC), before=datetime(2026, 11, 21, tzinfo=UTC), page=2
    )

    assert listed.reports == (REPORT, replace(REPORT, dispute_id=2866))
    assert (listed.answer["http_status"], listed.answer["message"]) == (200, "Disputes retrieved")
    [request] = gateway.requests
    assert (request.method, request.path) == (
        "GET",
        "/dispute?from=2026-11-20T00%3A00%3A00%2B00%3A00&to=2026-11-21T00%3A00%3A00%2B00%3A00&perPage=100&page=2",
    )


def test_list_disputes_asks_for_those_of_one_transaction(gateway):
    gateway.play(told_all())

    assert disputes.list_disputes(transaction_id=5873310462).reports == ()
    assert [request.path for request in gateway.requests] == ["/dispute?transaction=5873310462&perPage=100&page=1"]


@pytest.mark.parametrize("row", [None, 2867, {}, {**DISPUTE, "id": None}, {**DISPUTE, "transaction": None}], ids=str)
def test_list_disputes_with_one_unusable_row_is_no_answer(row, gateway):
    gateway.play(told_all(DISPUTE, row))

    with pytest.raises(GatewayUnavailableError):
        disputes.list_disputes(transaction_id=5873310462)


@pytest.mark.parametrize("data", [None, {}, DISPUTE, "disputes"], ids=str)
def test_list_disputes_without_a_list_is_no_answer(data, gateway):
    gateway.play(answer(200, {"status": True, "message": "Disputes retrieved", "data": data}))

    with pytest.raises(GatewayUnavailableError):
        disputes.list_disputes(transaction_id=5873310462)


def test_resolutions_are_lost_or_won_and_never_both():
    assert RESOLVED == "resolved"
    assert set(LOST) == {"merchant-accepted", "auto-accepted"}
    assert set(WON) == {"declined"}


@pytest.fixture
def sandbox(settings):
    with server.running(secret_key=SECRET_KEY, webhook_url="") as running:
        settings.PAYSTACK_BASE_URL = running.url
        transactions.initialize_transaction(
            email="ada@example.com", amount_minor=2500000, currency="NGN", reference=REFERENCE
        )
        running.pay(REFERENCE, deliveries=0)
        yield running
        close_connections()


def test_dispute_of_the_sandbox_is_open_with_its_deadline(sandbox):
    opened = sandbox.open_dispute(REFERENCE, deliveries=0)["dispute"]

    report = disputes.fetch_dispute(opened["id"]).report

    assert (report.dispute_id, report.reference, report.currency) == (opened["id"], REFERENCE, "NGN")
    assert (report.amount_minor, report.resolution, report.resolved_at) == (2500000, "", None)
    assert report.status != RESOLVED
    assert report.due_at is not None


@pytest.mark.parametrize("resolution", sorted(LOST | WON))
def test_dispute_of_the_sandbox_is_resolved(resolution, sandbox):
    opened = sandbox.open_dispute(REFERENCE, deliveries=0)["dispute"]
    sandbox.resolve_dispute(opened["id"], resolution, deliveries=0)

    report = disputes.fetch_dispute(opened["id"]).report

    assert (report.status, report.resolution) == (RESOLVED, resolution)
    assert report.resolved_at is not None


def test_disputes_of_the_sandbox_are_listed_by_period_and_by_transaction(sandbox):
    opened = sandbox.open_dispute(REFERENCE, deliveries=0)["dispute"]
    now = datetime.now(tz=UTC)
    hour = timedelta(hours=1)

    report = disputes.fetch_dispute(opened["id"]).report

    assert disputes.list_disputes_between(after=now - hour, before=now + hour).reports == (report,)
    assert disputes.list_disputes_between(after=now - 2 * hour, before=now - hour).reports == ()
    assert disputes.list_disputes(transaction_id=opened["transaction_id"]).reports == (report,)
    assert disputes.list_disputes(transaction_id=opened["transaction_id"] + 1).reports == ()


def test_dispute_that_the_sandbox_does_not_know_is_rejected(sandbox):
    with pytest.raises(GatewayRejectedError):
        disputes.fetch_dispute(1)

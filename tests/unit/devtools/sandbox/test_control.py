import socket

import pytest

from devtools.sandbox.web.messages import Request
from devtools.sandbox.web.serving import respond
from devtools.sandbox.web.wire import Wire

from .conftest import SECRET_KEY


@pytest.fixture
def control(visitor):
    """Return how the control API is called, without any key."""
    return lambda method, path, body=None: visitor.request(method, f"/sandbox/{path}", json=body)


def test_pay_leaves_to_the_order_what_is_not_said(control, page):
    answer = control("POST", "pay", {"reference": "nmk-1"})

    assert answer.status_code == 200
    assert answer.json()["deliveries"] == []
    paid = answer.json()["transaction"]
    assert {name: paid[name] for name in ("status", "amount_minor", "currency", "fees_minor", "domain", "channel")} == {
        "status": "success",
        "amount_minor": 250_000,
        "currency": "NGN",
        "fees_minor": 3750,
        "domain": "test",
        "channel": "card",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount_minor": 1}, {"amount_minor": 1, "requested_amount_minor": 250_000}),
        ({"currency": "GHS"}, {"currency": "GHS"}),
        ({"domain": "live"}, {"domain": "live"}),
        ({"fees_minor": 0}, {"fees_minor": 0, "amount_minor": 250_000}),
        ({"bearer": "customer", "fees_minor": 500}, {"amount_minor": 250_500, "requested_amount_minor": 250_000}),
        ({"channel": "ussd"}, {"channel": "ussd"}),
        ({"metadata": {"n": 1}}, {"metadata": '{"n": 1}'}),
        ({"metadata": 0}, {"metadata": "0"}),
        ({"outcome": "failed"}, {"status": "failed", "paid_at": None, "attempts": 1, "errors": 1}),
        ({"outcome": "abandoned"}, {"status": "abandoned", "paid_at": None, "attempts": 0}),
    ],
)
def test_pay_does_what_the_script_wants(control, page, changes, expected):
    paid = control("POST", "pay", {"reference": "nmk-1", **changes}).json()["transaction"]

    assert {name: paid[name] for name in expected} == expected


def test_failed_payment_can_succeed_later_and_only_once(control, api, page):
    control("POST", "pay", {"reference": "nmk-1", "outcome": "failed"})
    late = control("POST", "pay", {"reference": "nmk-1"})

    again = control("POST", "pay", {"reference": "nmk-1"})

    log = api.get("/transaction/verify/nmk-1").json()["data"]["log"]
    assert (late.json()["transaction"]["status"], again.status_code) == ("success", 409)
    assert (log["attempts"], log["errors"], log["success"]) == (2, 1, True)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("pay", {}, (400, "reference is required")),
        ("pay", {"reference": "nmk-unknown"}, (404, "Transaction not found")),
        ("pay", {"reference": "nmk-1", "outcome": "maybe"}, (400, "outcome must be one of success, failed, abandoned")),
        ("pay", {"reference": "nmk-1", "deliveries": -1}, (400, "deliveries must be between 0 and 999999999999999999")),
        ("pay", {"reference": "nmk-1", "wait": 1}, (400, "wait must be true or false")),
        ("pay", {"reference": "nmk-1", "tip": 1, "cup": 2}, (400, "Unknown fields: cup, tip")),
        ("deliver", {"reference": "nmk-1"}, (404, "Event not found")),
        ("events", {}, (400, "Send either body, an object, or raw, a text")),
        ("events", {"body": {}, "raw": ""}, (400, "Send either body, an object, or raw, a text")),
        ("refunds/1", {"status": "processed"}, (404, "Refund not found")),
        ("refunds/1", {}, (400, "status is required: one of pending, processing, needs-attention, processed, failed")),
        ("disputes/1", {"resolution": "declined"}, (404, "Dispute not found")),
        ("disputes/1/reminders", {}, (404, "Dispute not found")),
    ],
)
def test_control_request_is_refused(control, path, body, refusal):
    answer = control("POST", path, body)

    assert (answer.status_code, answer.json()["message"]) == refusal


def test_events_are_delivered_and_listed(telling, receiver, control, page):
    control("POST", "pay", {"reference": "nmk-1"})
    again = control("POST", "deliver", {"reference": "nmk-1", "event": "charge.success", "times": 2})
    control("POST", "events", {"raw": "{", "sign": False})

    listed = control("GET", "deliveries?reference=nmk-1").json()["deliveries"]

    assert [delivery["status"] for delivery in again.json()["deliveries"]] == [200, 200]
    assert [row["status"] for row in listed] == [200, 200, 200]
    assert len(control("GET", "deliveries").json()["deliveries"]) == 4
    assert receiver.received[-1] == (b"{", None)


def test_ledger_shows_all_that_happened_to_money(control, api, paid):
    refund = api.post("/refund", json={"transaction": "nmk-1", "amount": 1000}).json()["data"]["id"]
    moved = control("POST", f"refunds/{refund}", {"status": "processing"}).json()["refund"]
    opened = control("POST", "disputes", {"reference": "nmk-1", "category": "fraud", "refund_amount_minor": 5})
    dispute = opened.json()["dispute"]["id"]
    reminded = control("POST", f"disputes/{dispute}/reminders", {})
    resolved = control("POST", f"disputes/{dispute}", {"resolution": "declined"}).json()["dispute"]

    ledger = control("GET", "ledger").json()

    assert (opened.status_code, reminded.status_code) == (201, 200)
    assert (moved["status"], resolved["category"]) == ("processing", "fraud")
    assert [row["reference"] for row in ledger["transactions"]] == ["nmk-1"]
    assert (ledger["refunds"], ledger["disputes"]) == ([moved], [resolved])


def test_settings_can_be_changed_and_never_show_the_key(control, sandbox):
    changes = {"webhook_url": "http://127.0.0.1:1/", "retry_seconds": [0.5], "latency_milliseconds": 5}
    answer = control("PUT", "settings", {**changes, "merchant_name": "Shop"}).json()

    assert {name: answer[name] for name in changes} == changes
    assert "secret_key" not in answer
    assert control("GET", "settings").json() == answer
    assert sandbox.settings.secret_key == SECRET_KEY


def test_settings_refuse_waits_that_are_none(control):
    answer = control("PUT", "settings", {"retry_seconds": [1, -1]})

    assert answer.json()["message"] == "retry_seconds must be a list of numbers that are not negative"


@pytest.mark.parametrize(("peer", "status"), [("192.0.2.7", 403), ("127.0.0.1", 200), ("::1", 200)])
def test_control_is_for_this_machine_only(sandbox, peer, status):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, sandbox.stopped)

        control = respond(sandbox, Request("GET", "/sandbox/ledger", peer=peer), wire)
        page = respond(sandbox, Request("GET", "/", peer=peer), wire)

    assert (control.status, page.status) == (status, 200)

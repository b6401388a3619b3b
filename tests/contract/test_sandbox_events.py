"""The sandbox tells as Paystack's sample events do."""

import json

import pytest

from .shapes import differences


@pytest.fixture
def newest_event(sandbox):
    """Return the newest event of the documented payment, as it would be sent."""

    def read(reference):
        with sandbox.database.work() as connection:
            (body,) = connection.execute(
                "SELECT body FROM events WHERE reference = ? ORDER BY id DESC LIMIT 1", [reference]
            ).fetchone()
        return json.loads(body)

    return read


@pytest.fixture
def paid(sandbox, api, order):
    api.post("/transaction/initialize", json=order)
    sandbox.pay(order["reference"], fees_minor=47500)


@pytest.fixture
def disputed(sandbox, api, order):
    """Return the dispute of a payment that, as in the samples of disputes, has no metadata."""
    del order["metadata"]
    api.post("/transaction/initialize", json=order)
    sandbox.pay(order["reference"], fees_minor=47500)
    return sandbox.open_dispute(order["reference"])["dispute"]


@pytest.mark.usefixtures("paid")
def test_charge_success_is_told_as_in_the_sample(order, newest_event, sample):
    told = newest_event(order["reference"])

    expected = sample("charge.success")
    assert differences(told, expected) == []
    assert told["event"] == "charge.success"
    for name in ("status", "reference", "amount", "requested_amount", "fees", "currency", "metadata", "domain"):
        assert told["data"][name] == expected["data"][name]


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("status", ["pending", "processing", "processed", "failed", "needs-attention"])
def test_refund_is_told_as_in_the_sample(sandbox, order, newest_event, sample, status):
    refund, _ = sandbox.request_refund(order["reference"], amount_minor=1_000_000, currency=None)
    sandbox.move_refund(refund.id, status)

    told = newest_event(order["reference"])

    expected = sample(f"refund.{status}")
    assert differences(told, expected) == []
    assert told["event"] == expected["event"]
    for name in ("status", "transaction_reference", "amount", "currency", "domain"):
        assert told["data"][name] == expected["data"][name]
    assert (told["data"]["refund_reference"] is None) == (expected["data"]["refund_reference"] is None)


@pytest.mark.parametrize("name", ["create", "remind", "resolve"])
def test_dispute_is_told_as_in_the_sample(sandbox, disputed, newest_event, sample, name):
    if name == "remind":
        sandbox.remind_of_dispute(disputed["id"])
    if name == "resolve":
        sandbox.resolve_dispute(disputed["id"], "auto-accepted")

    told = newest_event(disputed["reference"])

    expected = sample(f"charge.dispute.{name}")
    assert differences(told, expected) == []
    for field in ("status", "resolution", "refund_amount", "currency", "category", "domain"):
        assert told["data"][field] == expected["data"][field]
    assert told["data"]["transaction"]["status"] == expected["data"]["transaction"]["status"]

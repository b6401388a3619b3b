import json

import pytest

from tests.waiting import wait_until


@pytest.fixture
def refund(api, paid):
    """Return how a refund of nmk-1, of 250,000 subunits, is asked for."""
    return lambda **terms: api.post("/refund", json={"transaction": "nmk-1", **terms})


def status_of(api):
    return api.get("/transaction/verify/nmk-1").json()["data"]["status"]


def test_refund_takes_the_whole_amount_unless_told(refund):
    made = refund().json()["data"]

    assert (made["amount"], made["status"], made["transaction"]["reference"]) == (250_000, "pending", "nmk-1")


@pytest.mark.parametrize("kind", [int, str])
def test_refund_knows_a_transaction_by_its_number(refund, paid, kind):
    made = refund(transaction=kind(paid["id"]), amount=1000).json()["data"]

    assert made["transaction"]["id"] == paid["id"]


def test_refund_makes_a_transaction_pending_then_reversed(api, sandbox, refund):
    part = refund(amount=100_000).json()["data"]
    after_part = status_of(api)
    sandbox.move_refund(part["id"], "processed")
    after_part_processed = status_of(api)
    rest = refund(amount=150_000).json()["data"]
    sandbox.move_refund(rest["id"], "processed")

    assert (after_part, after_part_processed, status_of(api)) == ("reversal-pending", "reversal-pending", "reversed")


def test_failed_refund_leads_back_to_success(api, sandbox, refund):
    made = refund().json()["data"]
    sandbox.move_refund(made["id"], "failed")

    assert status_of(api) == "success"
    assert refund().status_code == 200


@pytest.mark.parametrize(
    ("before", "terms", "refusal"),
    [
        ([250_000], {"amount": 1}, ("Transaction has been fully reversed", "transaction_reversed")),
        ([], {"amount": 250_001}, ("Refund amount exceeds transaction amount", None)),
        ([1000], {"amount": 249_001}, ("Total refund amount cannot exceed original transaction amount", None)),
        ([1000], {}, ("Total refund amount cannot exceed original transaction amount", None)),
        ([], {"currency": "GHS"}, ("Transaction currency must match refund currency", None)),
        ([], {"transaction": "nmk-unknown"}, ("Transaction not found", None)),
        ([], {"transaction": "ọ"}, ("Transaction not found", None)),
        ([], {"transaction": None}, ("Transaction is required", "missing_params")),
        ([], {"amount": -1}, ("Invalid Amount Sent", None)),
    ],
)
def test_refund_is_refused_as_by_paystack(sandbox, refund, before, terms, refusal):
    for amount in before:
        refund(amount=amount)

    answer = refund(**terms)

    assert (answer.status_code, answer.json()["message"], answer.json().get("code")) == (400, *refusal)
    assert len(sandbox.ledger()["refunds"]) == len(before)


def test_refund_of_an_unpaid_transaction_is_refused(api, page):
    answer = api.post("/refund", json={"transaction": "nmk-1"})

    assert (answer.status_code, answer.json()["message"]) == (400, "Transaction has not been paid")


def test_refund_below_the_minimum_is_refused(api, sandbox, initialize):
    initialize(currency="GHS")
    sandbox.pay("nmk-1")

    answer = api.post("/refund", json={"transaction": "nmk-1", "amount": 99})

    assert answer.json()["message"] == ("The minimum amount you may send in a single refund at this time is: GHS1.00")


def test_list_refunds_takes_a_number_and_is_silent_about_a_reference(api, refund, paid):
    first, second = (refund(amount=amount).json()["data"]["id"] for amount in (1000, 2000))

    by_number = api.get("/refund", params={"transaction": paid["id"], "perPage": 1}).json()
    by_reference = api.get("/refund", params={"transaction": "nmk-1"})
    by_currency = api.get("/refund", params={"currency": "NGN"}).json()["data"]

    assert [(row["id"], row["transaction"]) for row in by_number["data"]] == [(second, paid["id"])]
    assert by_number["meta"] == {"total": 2, "skipped": 0, "perPage": 1, "page": 1, "pageCount": 2}
    assert (by_reference.status_code, by_reference.json()["data"]) == (200, [])
    assert [row["id"] for row in by_currency] == [second, first]


def test_fetch_refund_tells_how_far_it_is(api, sandbox, refund):
    made = refund(merchant_note="refund 7").json()["data"]
    sandbox.move_refund(made["id"], "processed")

    row = api.get(f"/refund/{made['id']}").json()["data"]

    assert (row["status"], row["merchant_note"], row["transaction_reference"]) == ("processed", "refund 7", "nmk-1")
    assert row["refunded_at"] is not None
    assert api.get("/refund/1").status_code == 404


def test_refund_tells_at_once_that_it_is_pending(telling, receiver, api, page):
    telling.pay("nmk-1", deliveries=0)

    api.post("/refund", json={"transaction": "nmk-1", "amount": 1000})

    wait_until(lambda: receiver.received, seconds=5)
    ((body, _),) = receiver.received
    assert (json.loads(body)["event"], json.loads(body)["data"]["amount"]) == ("refund.pending", "1000")

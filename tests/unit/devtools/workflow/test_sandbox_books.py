from contextlib import closing

import pytest

from devtools.sandbox.ledger.database import Database
from devtools.sandbox.ledger.tables import ALL, disputes, refunds, transactions
from devtools.workflow import sandbox_books

NOW = "2026-11-20T10:00:00.000Z"
PAID = {
    "id": 4_099_260_516,
    "reference": "nmk-1",
    "access_code": "a1",
    "domain": "test",
    "status": "success",
    "email": "ada@example.com",
    "currency": "NGN",
    "requested_amount_minor": 100_000,
    "amount_minor": 100_000,
    "fees_minor": 1_500,
    "channel": "card",
    "gateway_response": "Successful",
    "created_at": NOW,
    "paid_at": NOW,
}
LEFT = PAID | {"id": None, "reference": "nmk-2", "access_code": "a2", "status": "abandoned", "paid_at": None}
REFUND = {
    "id": 71,
    "reference": "nmk-1",
    "status": "processed",
    "amount_minor": 100_000,
    "currency": "NGN",
    "merchant_note": "rfd-1",
    "created_at": NOW,
    "updated_at": NOW,
}
DISPUTE = {
    "id": 81,
    "reference": "nmk-1",
    "status": "awaiting-merchant-feedback",
    "resolution": None,
    "category": "chargeback",
    "currency": "NGN",
    "amount_minor": 100_000,
    "due_at": NOW,
    "created_at": NOW,
    "updated_at": NOW,
    "resolved_at": None,
}
BOOKS = {"transactions": [PAID, LEFT], "refunds": [REFUND], "disputes": [DISPUTE]}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "sandbox.sqlite3"


def read(place, table):
    with closing(Database(str(place), ALL)) as database, database.work() as connection:
        return {row.id: row for row in table.list(connection)}


def test_fill_makes_the_sandbox_know_what_was_paid_sent_back_and_disputed(place):
    sandbox_books.fill(place, BOOKS)

    known = {row.reference: row for row in read(place, transactions).values()}
    # All of it went back.
    assert (known["nmk-1"].id, known["nmk-1"].status, known["nmk-1"].is_paid) == (PAID["id"], "reversed", True)
    assert (known["nmk-2"].status, known["nmk-2"].is_paid) == ("abandoned", False)
    assert known["nmk-1"].customer_id == known["nmk-2"].customer_id
    assert read(place, refunds)[71].transaction_id == PAID["id"]
    assert read(place, disputes)[81].refund_amount_minor == 100_000


def test_fill_again_leaves_what_has_gone_on_since(place):
    sandbox_books.fill(place, BOOKS | {"refunds": [REFUND | {"status": "processing"}]})
    before = read(place, transactions), read(place, refunds)

    sandbox_books.fill(place, BOOKS)

    assert (read(place, transactions), read(place, refunds)) == before


def test_fill_gives_a_number_that_is_taken_to_the_first(place):
    sandbox_books.fill(place, {"transactions": [PAID, LEFT | {"id": PAID["id"]}], "refunds": [], "disputes": []})

    known = {row.reference: row.id for row in read(place, transactions).values()}
    assert known["nmk-1"] == PAID["id"]
    assert known["nmk-2"] > PAID["id"]


def test_fill_leaves_out_what_is_about_no_transaction(place):
    sandbox_books.fill(place, {"transactions": [], "refunds": [REFUND], "disputes": [DISPUTE]})

    assert (read(place, refunds), read(place, disputes)) == ({}, {})

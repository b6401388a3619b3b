"""Looking transactions up (https://paystack.com/docs/api/transaction)."""

from typing import Final

from devtools.sandbox.ledger import payments, tables
from devtools.sandbox.paystack.bodies import transaction_body, transaction_row
from devtools.sandbox.paystack.envelopes import success
from devtools.sandbox.paystack.paging import read_equals, read_numbers, read_page, read_period
from devtools.sandbox.refusals import Refusal, not_found
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request

_NUMBERS: Final = {"customer": "customer_id", "amount": "amount_minor"}


def verify(sandbox: Sandbox, request: Request) -> Answer:
    """Tell what became of a reference."""
    with sandbox.database.work() as connection:
        transaction = payments.find_by_reference(connection, request.parts["reference"])
    if transaction is None:
        raise Refusal(
            "Transaction reference not found.",
            code="transaction_not_found",
            next_step="Ensure that you're passing the reference of a transaction that exists on this integration",
        )
    return success("Verification successful", transaction_body(transaction))


def fetch_transaction(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of one transaction by Paystack's number."""
    with sandbox.database.work() as connection:
        transaction = payments.find_by_id(connection, request.number_in_path("id"))
    if transaction is None:
        raise not_found("Transaction")
    return success("Transaction retrieved", transaction_body(transaction))


def list_transactions(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of all transactions that fit, newest first; a code in `customer` silently fits nothing."""
    page = read_page(request.query)
    conditions = [
        *read_equals(request.query, {"status": "status"}),
        *read_numbers(request.query, _NUMBERS),
        *read_period(request.query),
    ]
    with sandbox.database.work() as connection:
        total = tables.transactions.count(connection, *conditions)
        volume = tables.transactions.total(connection, "amount_minor", *conditions)
        rows = tables.transactions.list(connection, *conditions, limit=page.size, offset=page.offset)
    content = [transaction_row(row) for row in rows]
    return success("Transactions retrieved", content, meta=page.meta(total=total, total_volume=volume))

"""Refunds (https://paystack.com/docs/api/refund)."""

from typing import Final

from devtools.sandbox.ledger import payments, tables
from devtools.sandbox.ledger.tables import Transaction
from devtools.sandbox.paystack.amounts import read_amount
from devtools.sandbox.paystack.bodies import created_refund_body, refund_row
from devtools.sandbox.paystack.envelopes import success
from devtools.sandbox.paystack.paging import read_equals, read_numbers, read_page, read_period
from devtools.sandbox.refusals import Refusal, not_found
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request

# A reference here silently fits nothing.
_NUMBERS: Final = {"transaction": "transaction_id"}


def create_refund(sandbox: Sandbox, request: Request) -> Answer:
    """Queue a refund of a transaction under its reference or number."""
    fields = request.fields
    identifier = fields.get("transaction")
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or identifier == "":
        raise Refusal("Transaction is required", code="missing_params")
    texts = {name: str(fields[name]) for name in ("customer_note", "merchant_note") if fields.get(name)}
    refund, transaction = sandbox.request_refund(
        str(identifier),
        amount_minor=read_amount(fields.get("amount")),
        currency=fields.get("currency") or None,
        **texts,
    )
    return success("Refund has been queued for processing", created_refund_body(refund, transaction))


def list_refunds(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of all refunds that fit, newest first."""
    page = read_page(request.query)
    conditions = [
        *read_numbers(request.query, _NUMBERS),
        *read_equals(request.query, {"currency": "currency"}),
        *read_period(request.query),
    ]
    with sandbox.database.work() as connection:
        total = tables.refunds.count(connection, *conditions)
        rows = tables.refunds.list(connection, *conditions, limit=page.size, offset=page.offset)
        owners = {row.transaction_id: payments.find_by_id(connection, row.transaction_id) for row in rows}
    content = [refund_row(row, owner) for row in rows if (owner := owners[row.transaction_id])]
    return success("Refunds retrieved", content, meta=page.meta(total=total))


def fetch_refund(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of one refund."""
    owner: Transaction | None = None
    with sandbox.database.work() as connection:
        refund = tables.refunds.find(connection, ("id = ?", request.number_in_path("id")))
        if refund is not None:
            owner = payments.find_by_id(connection, refund.transaction_id)
    if refund is None or owner is None:
        raise not_found("Refund")
    return success("Refund retrieved", refund_row(refund, owner))

"""Disputes (https://paystack.com/docs/api/dispute)."""

from typing import Final

from devtools.sandbox.ledger import disputing, payments, tables
from devtools.sandbox.ledger.database import Condition
from devtools.sandbox.ledger.tables import Dispute, Transaction
from devtools.sandbox.paystack.amounts import read_amount
from devtools.sandbox.paystack.bodies import dispute_body, resolved_dispute_body
from devtools.sandbox.paystack.envelopes import success
from devtools.sandbox.paystack.paging import read_equals, read_numbers, read_page, read_period
from devtools.sandbox.refusals import Refusal, not_found
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request

_NUMBERS: Final = {"transaction": "transaction_id"}
_REQUIRED: Final = ("resolution", "message", "refund_amount", "uploaded_filename")


def list_disputes(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of all disputes that fit, newest first."""
    page = read_page(request.query)
    conditions = [
        *read_equals(request.query, {"status": "status"}),
        *read_numbers(request.query, _NUMBERS),
        *read_period(request.query),
    ]
    with sandbox.database.work() as connection:
        total = tables.disputes.count(connection, *conditions)
        rows = tables.disputes.list(connection, *conditions, limit=page.size, offset=page.offset)
        owners = {row.transaction_id: payments.find_by_id(connection, row.transaction_id) for row in rows}
    content = [dispute_body(row, owner) for row in rows if (owner := owners[row.transaction_id])]
    return success("Disputes retrieved", content, meta=page.meta(total=total))


def fetch_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of one dispute."""
    return success("Dispute retrieved", dispute_body(*_find(sandbox, ("id = ?", request.number_in_path("id")))))


def fetch_transaction_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """Tell of the newest dispute of a transaction."""
    of_transaction: Condition = ("transaction_id = ?", request.number_in_path("id"))
    return success("Dispute retrieved successfully", dispute_body(*_find(sandbox, of_transaction)))


def resolve_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """End a dispute as the merchant wants it."""
    fields = request.fields
    missing = [name for name in _REQUIRED if fields.get(name) in {None, ""}]
    if missing:
        raise Refusal(f'"{missing[0]}" is required', code="missing_params")
    if fields["resolution"] not in disputing.BY_MERCHANT:
        raise Refusal(f'"resolution" must be one of [{", ".join(disputing.BY_MERCHANT)}]')
    number = request.number_in_path("id")
    # A declined dispute gives nothing back.
    amount = read_amount(fields["refund_amount"]) if fields["resolution"] == "merchant-accepted" else None
    sandbox.resolve_dispute(
        number, fields["resolution"], reply=str(fields["message"]), refund_amount_minor=amount, wait=False
    )
    return success("Dispute successfully resolved", resolved_dispute_body(*_find(sandbox, ("id = ?", number))))


def _find(sandbox: Sandbox, condition: Condition) -> tuple[Dispute, Transaction]:
    owner: Transaction | None = None
    with sandbox.database.work() as connection:
        dispute = tables.disputes.find(connection, condition)
        if dispute is not None:
            owner = payments.find_by_id(connection, dispute.transaction_id)
    if dispute is None or owner is None:
        raise not_found("Dispute")
    return dispute, owner

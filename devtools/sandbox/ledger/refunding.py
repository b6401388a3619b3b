"""Refunds: what may be sent back, and what a refund makes of its payment."""

import sqlite3
from dataclasses import replace
from typing import Final

from devtools.sandbox.clock import now_text
from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger.tables import Refund, Transaction, disputes, refunds, transactions
from devtools.sandbox.refusals import Refusal

STATUSES: Final = ("pending", "processing", "needs-attention", "processed", "failed")
# By currency, in subunits, with the words in which it is said.
_MINIMUMS: Final = {"GHS": (100, "GHS1.00")}
_WITH_TRANSFER: Final = ("needs-attention", "failed")


def request_refund(
    connection: sqlite3.Connection,
    transaction: Transaction,
    *,
    amount_minor: int | None,
    currency: str | None,
    customer_note: str | None = None,
    merchant_note: str | None = None,
) -> Refund:
    """Queue a refund; `amount_minor` of None means the whole original amount.

    :raises Refusal: if it may not be.
    """
    amount = transaction.amount_minor if amount_minor is None else amount_minor
    _check_refundable(connection, transaction, amount, currency or transaction.currency)
    now = now_text()
    refund = Refund(
        id=refunds.next_id(connection),
        transaction_id=transaction.id,
        reference=transaction.reference,
        status="pending",
        currency=transaction.currency,
        amount_minor=amount,
        refund_reference=None,
        customer_note=customer_note or f"Refund for transaction {transaction.reference}",
        merchant_note=merchant_note or f"Refund for transaction {transaction.reference} by sandbox@example.com",
        created_at=now,
        updated_at=now,
        refunded_at=None,
    )
    refunds.write(connection, refund)
    update_status(connection, transaction)
    return refund


def move_refund(connection: sqlite3.Connection, refund: Refund, status: str) -> Refund:
    """Record how far the refund has come."""
    now = now_text()
    moved = replace(
        refund,
        status=status,
        refund_reference=_name_after(refund, status),
        updated_at=now,
        refunded_at=now if status == "processed" else refund.refunded_at,
    )
    refunds.write(connection, moved)
    transaction = transactions.find(connection, ("id = ?", refund.transaction_id))
    if transaction is not None:
        update_status(connection, transaction)
    return moved


def list_refunds_of(connection: sqlite3.Connection, transaction: Transaction) -> list[Refund]:
    """Return the refunds of one payment that stand, newest first."""
    of_payment = refunds.list(connection, ("transaction_id = ?", transaction.id))
    return [refund for refund in of_payment if refund.status != "failed"]


def update_status(connection: sqlite3.Connection, transaction: Transaction) -> Transaction:
    """Say of a paid transaction whether its money is there, on its way back, or gone.

    "reversal-pending" follows any refund, also a part and one that is done; a failed one leads back to "success".
    """
    standing = list_refunds_of(connection, transaction)
    lost = disputes.list(connection, ("transaction_id = ?", transaction.id), ("resolution LIKE ?", "%accepted"))
    gone = sum(refund.amount_minor for refund in standing if refund.status == "processed")
    gone += sum(dispute.refund_amount_minor for dispute in lost)
    status = "reversal-pending" if standing or lost else "success"
    if gone >= transaction.amount_minor:
        status = "reversed"
    return transactions.write(connection, replace(transaction, status=status))


def _check_refundable(connection: sqlite3.Connection, transaction: Transaction, amount: int, currency: str) -> None:
    if not transaction.is_paid:
        raise Refusal("Transaction has not been paid")
    if currency != transaction.currency:
        raise Refusal("Transaction currency must match refund currency")
    if amount > transaction.amount_minor:
        raise Refusal("Refund amount exceeds transaction amount")
    refunded = sum(refund.amount_minor for refund in list_refunds_of(connection, transaction))
    if transaction.status == "reversed" or refunded >= transaction.amount_minor:
        raise Refusal("Transaction has been fully reversed", code="transaction_reversed", kind="api_error")
    if refunded + amount > transaction.amount_minor:
        raise Refusal("Total refund amount cannot exceed original transaction amount")
    minimum, words = _MINIMUMS.get(currency, (1, ""))
    if amount < minimum:
        raise Refusal(
            f"The minimum amount you may send in a single refund at this time is: {words}"
            if words
            else "Invalid Amount Sent"
        )


def _name_after(refund: Refund, status: str) -> str | None:
    if status in _WITH_TRANSFER:
        return make_code("TRF_")
    return str(refund.id)[-12:] if status == "processed" else None

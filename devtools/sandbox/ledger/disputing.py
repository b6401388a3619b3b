"""Disputes: opened by a bank, ended by the merchant or by the deadline."""

import sqlite3
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from devtools.sandbox.clock import later_text, now_text
from devtools.sandbox.ledger import refunding
from devtools.sandbox.ledger.tables import Dispute, Transaction, disputes, transactions
from devtools.sandbox.refusals import Refusal

BY_MERCHANT: Final = ("merchant-accepted", "declined")
RESOLUTIONS: Final = (*BY_MERCHANT, "auto-accepted")
CATEGORIES: Final = ("chargeback", "fraud")
_DAYS_TO_ANSWER: Final = 2


def open_dispute(
    connection: sqlite3.Connection,
    transaction: Transaction,
    *,
    category: str = "chargeback",
    refund_amount_minor: int | None = None,
    complaint: str | None = None,
) -> Dispute:
    """Dispute a payment, or a part of it.

    :raises Refusal: if nobody has paid.
    """
    if not transaction.is_paid:
        raise Refusal("Transaction has not been paid")
    now = now_text()
    dispute = Dispute(
        id=disputes.next_id(connection),
        transaction_id=transaction.id,
        reference=transaction.reference,
        status="awaiting-merchant-feedback",
        resolution=None,
        category=category,
        currency=transaction.currency,
        refund_amount_minor=transaction.amount_minor if refund_amount_minor is None else refund_amount_minor,
        complaint=complaint or "Cardholder says that nothing was delivered",
        reply=None,
        due_at=later_text(days=_DAYS_TO_ANSWER),
        created_at=now,
        updated_at=now,
        resolved_at=None,
    )
    return disputes.write(connection, dispute)


def remind(connection: sqlite3.Connection, dispute: Dispute) -> Dispute:
    """Record that the merchant was reminded of the deadline."""
    return disputes.write(connection, replace(dispute, updated_at=now_text()))


def resolve(
    connection: sqlite3.Connection,
    dispute: Dispute,
    *,
    resolution: str,
    reply: str | None = None,
    refund_amount_minor: int | None = None,
) -> Dispute:
    """End the dispute; an accepted one takes the money.

    :raises Refusal: if it has ended already.
    """
    if dispute.status == "resolved":
        raise Refusal("Dispute has been resolved already", status=HTTPStatus.CONFLICT)
    now = now_text()
    amount = dispute.refund_amount_minor if refund_amount_minor is None else refund_amount_minor
    resolved = disputes.write(
        connection,
        replace(
            dispute,
            status="resolved",
            resolution=resolution,
            reply=reply,
            refund_amount_minor=amount,
            updated_at=now,
            resolved_at=now,
        ),
    )
    transaction = transactions.find(connection, ("id = ?", dispute.transaction_id))
    if transaction is not None:
        refunding.update_status(connection, transaction)
    return resolved

"""Payment pages and what payers do on them."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from devtools.sandbox.clock import now_text
from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger.tables import Customer, Transaction, customers, transactions
from devtools.sandbox.refusals import Refusal

OUTCOMES: Final = ("success", "failed", "abandoned")
BEARERS: Final = ("account", "customer")
_GATEWAY_RESPONSES: Final = {
    "success": "Successful",
    "failed": "Transaction declined. Please use the test card since you are doing a test transaction",
    "abandoned": "The transaction was not completed",
}
# Part of the amount in ten thousandths, near enough to what Paystack takes.
_FEE_BASIS_POINTS: Final = 150


@dataclass(frozen=True)
class Order:
    """What a merchant asks to be paid; `metadata` is JSON."""

    email: str
    amount_minor: int
    currency: str
    reference: str
    domain: str
    metadata: str
    callback_url: str
    channels: Sequence[str]


@dataclass(frozen=True)
class Payment:
    """What a payer does; None leaves it to the order."""

    outcome: str = "success"
    amount_minor: int | None = None
    currency: str | None = None
    domain: str | None = None
    fees_minor: int | None = None
    bearer: str = "account"
    metadata: str | None = None
    channel: str | None = None

    def fees_of(self, amount_minor: int) -> int:
        """Return what Paystack keeps of `amount_minor`."""
        return amount_minor * _FEE_BASIS_POINTS // 10_000 if self.fees_minor is None else self.fees_minor


def place_order(connection: sqlite3.Connection, order: Order) -> Transaction:
    """Make the payment page of `order`; as at Paystack it counts as abandoned until somebody pays.

    :raises Refusal: if the reference was used before.
    """
    if find_by_reference(connection, order.reference):
        raise Refusal(
            "Duplicate Transaction Reference",
            code="duplicate_reference",
            next_step="Try and create the Transaction or Charge with a new reference",
        )
    customer = _customer_of(connection, order.email)
    transaction = Transaction(
        id=transactions.next_id(connection),
        reference=order.reference,
        access_code=make_code(),
        domain=order.domain,
        status="abandoned",
        customer_id=customer.id,
        email=order.email,
        currency=order.currency,
        requested_amount_minor=order.amount_minor,
        amount_minor=order.amount_minor,
        fees_minor=None,
        channel=order.channels[0] if order.channels else "card",
        channels=json.dumps(list(order.channels)),
        metadata=order.metadata,
        callback_url=order.callback_url,
        gateway_response=_GATEWAY_RESPONSES["abandoned"],
        ip_address=None,
        attempts=0,
        errors=0,
        created_at=now_text(),
        paid_at=None,
    )
    return transactions.write(connection, transaction)


def find_by_reference(connection: sqlite3.Connection, reference: str) -> Transaction | None:
    """Return the transaction under a merchant's reference."""
    return transactions.find(connection, ("reference = ?", reference))


def find_by_access_code(connection: sqlite3.Connection, access_code: str) -> Transaction | None:
    """Return the transaction of a payment page."""
    return transactions.find(connection, ("access_code = ?", access_code))


def find_by_id(connection: sqlite3.Connection, number: int) -> Transaction | None:
    """Return the transaction with Paystack's own number."""
    return transactions.find(connection, ("id = ?", number))


def find_by_any(connection: sqlite3.Connection, identifier: str) -> Transaction | None:
    """Return the transaction under a reference or a number."""
    # Anything but ASCII is no reference, and a lone surrogate no text to SQLite.
    if not identifier.isascii():
        return None
    found = find_by_reference(connection, identifier)
    return find_by_id(connection, int(identifier)) if found is None and is_id(identifier) else found


def is_id(text: str) -> bool:
    """Say whether `text` can be one of our numbers, which SQLite holds in 64 bits."""
    return text.isascii() and text.isdigit() and int(text[:20]) < 2**63


def pay(connection: sqlite3.Connection, transaction: Transaction, payment: Payment) -> Transaction:
    """Record what the payer did, which may be another attempt after a failed one.

    :raises Refusal: if it is paid already.
    """
    if transaction.is_paid:
        raise Refusal("Transaction has been paid already", status=HTTPStatus.CONFLICT)
    succeeds = payment.outcome == "success"
    requested = transaction.requested_amount_minor if payment.amount_minor is None else payment.amount_minor
    fees = payment.fees_of(requested)
    charged = requested + fees if payment.bearer == "customer" else requested
    paid = replace(
        transaction,
        status=payment.outcome,
        domain=payment.domain or transaction.domain,
        currency=payment.currency or transaction.currency,
        amount_minor=charged if succeeds else transaction.amount_minor,
        fees_minor=fees if succeeds else None,
        channel=payment.channel or transaction.channel,
        metadata=transaction.metadata if payment.metadata is None else payment.metadata,
        gateway_response=_GATEWAY_RESPONSES[payment.outcome],
        ip_address="197.210.64.18",
        attempts=transaction.attempts + (payment.outcome != "abandoned"),
        errors=transaction.errors + (payment.outcome == "failed"),
        paid_at=now_text() if succeeds else None,
    )
    return transactions.write(connection, paid)


def _customer_of(connection: sqlite3.Connection, email: str) -> Customer:
    known = customers.find(connection, ("email = ?", email))
    return known or customers.write(connection, Customer(customers.next_id(connection), email))

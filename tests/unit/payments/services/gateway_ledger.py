"""The gateway's own books, written past its rules: what it should never come to say."""

from dataclasses import replace
from typing import Any

from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger import payments, tables
from devtools.sandbox.ledger.tables import Dispute, Refund, Transaction
from devtools.sandbox.sandbox import Sandbox
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.gateways.paystack import transactions


def pay_unknown(sandbox: Sandbox, reference: str = "", **payment: Any) -> str:
    """Have the gateway paid under a reference that no payment has; return it."""
    reference = reference or new_reference(PAYMENT_PREFIX)
    transactions.initialize_transaction(
        email="payer@example.com", amount_minor=4_125_000, currency="NGN", reference=reference
    )
    sandbox.pay(reference, **payment)
    return reference


def change_transaction(sandbox: Sandbox, reference: str, **columns: Any) -> Transaction:
    """Write columns of a transaction."""
    with sandbox.database.work() as connection:
        found = payments.find_by_reference(connection, reference)
        assert found is not None
        return tables.transactions.write(connection, replace(found, **columns))


def forget_transaction(sandbox: Sandbox, reference: str) -> None:
    with sandbox.database.work() as connection:
        connection.execute("DELETE FROM transactions WHERE reference = ?", [reference])


def repeat_transaction(sandbox: Sandbox, reference: str) -> None:
    """Have a second transaction under the same reference."""
    with sandbox.database.work() as connection:
        connection.execute("DROP INDEX IF EXISTS transactions_reference")
        found = payments.find_by_reference(connection, reference)
        assert found is not None
        again = replace(found, id=tables.transactions.next_id(connection), access_code=make_code())
        tables.transactions.write(connection, again)


def change_refund(sandbox: Sandbox, number: int | None, **columns: Any) -> Refund:
    """Write columns of a refund."""
    with sandbox.database.work() as connection:
        found = tables.refunds.find(connection, ("id = ?", number))
        assert found is not None
        return tables.refunds.write(connection, replace(found, **columns))


def forget_refund(sandbox: Sandbox, number: int | None) -> None:
    with sandbox.database.work() as connection:
        connection.execute("DELETE FROM refunds WHERE id = ?", [number])


def change_dispute(sandbox: Sandbox, number: int, **columns: Any) -> Dispute:
    """Write columns of a dispute."""
    with sandbox.database.work() as connection:
        found = tables.disputes.find(connection, ("id = ?", number))
        assert found is not None
        return tables.disputes.write(connection, replace(found, **columns))

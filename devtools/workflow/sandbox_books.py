"""What the demonstration says that it paid, sent back and disputed, put into the books of the sandbox."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger import refunding
from devtools.sandbox.ledger.database import Database
from devtools.sandbox.ledger.tables import ALL, Customer, Dispute, Refund, Transaction
from devtools.sandbox.ledger.tables import customers as customer_table
from devtools.sandbox.ledger.tables import disputes as dispute_table
from devtools.sandbox.ledger.tables import refunds as refund_table
from devtools.sandbox.ledger.tables import transactions as transaction_table

Row = Mapping[str, Any]
Books = Mapping[str, Sequence[Row]]


def fill(place: Path, books: Books) -> None:
    """Write what is missing; what the sandbox knows stays as it is there, because it has gone on since."""
    with closing(Database(str(place), ALL)) as database, database.work() as connection:
        transactions = {row["reference"]: _add_transaction(connection, row) for row in books["transactions"]}
        moved = [
            transactions[row["reference"]]
            for add, rows in ((_add_refund, books["refunds"]), (_add_dispute, books["disputes"]))
            for row in rows
            if row["reference"] in transactions and add(connection, row, transactions[row["reference"]])
        ]
        for transaction in moved:
            refunding.update_status(connection, transaction)


def _add_transaction(connection: sqlite3.Connection, row: Row) -> Transaction:
    known = transaction_table.find(connection, ("reference = ?", row["reference"]))
    if known is not None:
        return known
    customer = _find_customer(connection, row["email"])
    number = row["id"]
    if number is None or transaction_table.find(connection, ("id = ?", number)) is not None:
        # Of two payments with one number, the first has it.
        number = transaction_table.next_id(connection)
    is_paid = row["paid_at"] is not None
    added = Transaction(
        **{**row, "id": number},
        customer_id=customer.id,
        channels="[]",
        metadata='""',
        callback_url="",
        ip_address="197.210.64.18" if is_paid else None,
        attempts=int(row["status"] != "abandoned"),
        errors=int(row["status"] == "failed"),
    )
    return transaction_table.write(connection, added)


def _find_customer(connection: sqlite3.Connection, email: str) -> Customer:
    known = customer_table.find(connection, ("email = ?", email))
    return known or customer_table.write(connection, Customer(customer_table.next_id(connection), email))


def _add_refund(connection: sqlite3.Connection, row: Row, transaction: Transaction) -> bool:
    if refund_table.find(connection, ("id = ?", row["id"])) is not None:
        return False
    is_processed = row["status"] == "processed"
    added = Refund(
        **row,
        transaction_id=transaction.id,
        refund_reference=str(row["id"])[-12:] if is_processed else make_code("TRF_"),
        customer_note=f"Refund for transaction {transaction.reference}",
        refunded_at=row["updated_at"] if is_processed else None,
    )
    refund_table.write(connection, added)
    return True


def _add_dispute(connection: sqlite3.Connection, row: Row, transaction: Transaction) -> bool:
    if dispute_table.find(connection, ("id = ?", row["id"])) is not None:
        return False
    terms = {name: value for name, value in row.items() if name != "amount_minor"}
    added = Dispute(
        **terms,
        transaction_id=transaction.id,
        refund_amount_minor=row["amount_minor"],
        complaint="The credits were never delivered.",
        reply=None,
    )
    dispute_table.write(connection, added)
    return True

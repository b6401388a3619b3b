"""Rows planted past the models, as a bug or a determined person at a prompt would, and their refusal."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from billing.models import Transaction


@dataclass(frozen=True)
class Violation:
    """Column values that `rule` refuses, and their legal neighbour.

    `behind` names a trigger that would refuse them first.
    """

    rule: str
    wrong: dict[str, Any]
    right: dict[str, Any] = field(default_factory=dict)
    behind: str = ""

    def __str__(self) -> str:
        return f"{self.rule}-{'-'.join(str(value)[:12] for value in self.wrong.values())}"


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def insert(row: models.Model, **columns: Any) -> None:
    """Insert what `row` holds, with `columns` in place of its own values."""
    values = {
        column.column: column.get_db_prep_save(getattr(row, column.attname), connection)
        for column in row._meta.local_concrete_fields
    } | columns
    marks = ", ".join(["%s"] * len(values))
    # Table and columns come from model definitions and from the tests themselves.
    execute(f"INSERT INTO {row._meta.db_table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))  # noqa: S608 -- see above


def update(row: models.Model, **columns: Any) -> None:
    assignments = ", ".join(f"{column} = %s" for column in columns)
    # As in `insert`.
    execute(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", [*columns.values(), row.pk])  # noqa: S608 -- see above


def delete(row: models.Model) -> None:
    # As in `insert`.
    execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])  # noqa: S608 -- see above


def truncate(model: type[models.Model]) -> None:
    settle()
    execute(f"TRUNCATE {model._meta.db_table} CASCADE")


def settle() -> None:
    """Check what is deferred to the end of the database transaction now."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


def disable_trigger(model: type[models.Model], trigger: str) -> None:
    """Take a trigger away for the rest of the test, to reach the rule behind it."""
    settle()
    execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER {trigger}")


@contextmanager
def refused_by(rule: str, message: str = "") -> Iterator[None]:
    """Expect that what is planted inside is refused by `rule`, by no other, now or at the end of the transaction.

    A constraint or index refuses by its name. A trigger refuses by `message`, the text of its
    RAISE with `%` for any value.
    """
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():  # noqa: PT012 -- the caller's block is planted
        yield
        settle()
    refused: Any = refusal.value.__cause__
    diagnosis = refused.diag
    if not message:
        assert diagnosis.constraint_name == rule
        return
    pattern = ".+".join(re.escape(part) for part in message.split("%"))
    assert re.fullmatch(pattern, diagnosis.message_primary), diagnosis.message_primary
    assert f"function {_function_of(rule)}()" in diagnosis.context
    assert diagnosis.sqlstate == "23514"


def _function_of(trigger: str) -> str:
    rows = execute(
        "SELECT proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE tgname = %s AND NOT tgisinternal",
        [trigger],
    )
    return str(rows[0][0])


def post_entry(entry: Transaction, **columns: Any) -> None:
    """Insert a ledger entry and move its wallet."""
    insert(entry, **columns)
    move = {"sequence": entry.sequence, "balance": entry.balance_after}
    if "balance_after" in columns:
        move["balance"] = columns["balance_after"]
    update(entry.wallet, **move)
    entry.wallet.refresh_from_db()

"""What must always be true of the tables, checked in one snapshot. Every query names what is wrong: no row is good.

Constraints and triggers make most of it impossible; this finds what a restored backup, a disabled
trigger or a hand in the database has left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from psycopg2 import errors

_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "invariants"
_HEADER: Final = "-- "
# What is printed of a violation that has very many rows.
SHOWN: Final = 20
# What ails one law alone: its query is too slow, or a table that it reads is locked.
_OF_ONE_LAW: Final = (errors.QueryCanceled, errors.LockNotAvailable)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One law: its `name`, what it says, who answers for it, and where the runbook tells what to do.

    `scope` says how often it is checked: `users` for those whose rows changed, as its rows belong to one user each,
    `everything` whole each time, `day` whole and only once a day.
    """

    name: str
    law: str
    owner: str
    runbook: str
    scope: str
    query: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that is broken: by how many rows, and the first of them; or one that was not checked, and why."""

    invariant: Invariant
    count: int
    rows: tuple[str, ...]
    not_checked: str = ""


def load_invariants() -> list[Invariant]:
    """Return the catalogue, by name."""
    return [_load(path) for path in sorted(_DIRECTORY.glob("*.sql"))]


def check_invariants(invariants: Iterable[Invariant] | None = None) -> list[Violation]:
    """Check the laws against one snapshot of the database, and return those that are broken or could not be checked.

    All queries see the same moment, so that a payment which is being credited is not half seen.
    """
    laws = load_invariants() if invariants is None else invariants
    with transaction.atomic(durable=True):
        begin_snapshot()
        return find_violations(laws)


def begin_snapshot() -> None:
    """Let everything in the transaction that the caller has just opened see one moment, and write nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = '5min'")


def find_violations(laws: Iterable[Invariant]) -> list[Violation]:
    """Return those of `laws` that are broken, and those whose query was cancelled, which keep no other from its turn.

    The caller holds the transaction, and so chooses the snapshot.
    """
    with connection.cursor() as cursor:
        return [violation for law in laws if (violation := _check_alone(cursor, law)) is not None]


def _check_alone(cursor: Any, law: Invariant) -> Violation | None:
    try:
        with transaction.atomic():
            return _check(cursor, law)
    except OperationalError as error:
        if not isinstance(error.__cause__, _OF_ONE_LAW):
            raise
        return Violation(law, 0, (), not_checked=str(error).splitlines()[0])


def _check(cursor: Any, law: Invariant) -> Violation | None:
    cursor.execute(law.query)
    rows = cursor.fetchall()
    if not rows:
        return None
    names = [column.name for column in cursor.description]
    told = (", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True)) for row in rows[:SHOWN])
    return Violation(law, len(rows), tuple(told))


def _load(path: Path) -> Invariant:
    text = path.read_text()
    head = takewhile(lambda line: line.startswith(_HEADER), text.splitlines())
    header = dict(line.removeprefix(_HEADER).split(": ", 1) for line in head)
    return Invariant(
        name=path.stem,
        law=header["law"],
        owner=header["owner"],
        runbook=header["runbook"],
        scope=header.get("scope", "users"),
        query=text,
    )

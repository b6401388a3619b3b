"""One SQLite connection behind one lock, and tables that hold dataclasses."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from devtools.sandbox.identifiers import first_id

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")
# A condition in SQL with one question mark, and its value.
Condition: TypeAlias = tuple[str, object]


class Database:
    """A ledger in a file or in memory."""

    def __init__(self, place: str, tables: Sequence["Table[Any]"]) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(place, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A sandbox need not survive a power cut; what it must do is answer quickly.
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
        for table in tables:
            self._connection.executescript(table.definition)

    @contextmanager
    def work(self) -> Iterator[sqlite3.Connection]:
        """Do several things as one, alone."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


class Table(Generic[Record]):
    """A table whose columns are the fields of a dataclass, `id` among them.

    Its name, columns and conditions come from this package alone; values are always bound.
    """

    def __init__(
        self, name: str, record: type[Record], *, unique: Sequence[str] = (), indexed: Sequence[str] = ()
    ) -> None:
        columns = [field.name for field in fields(record)]
        declared = [f"{column} INTEGER PRIMARY KEY" if column == "id" else column for column in columns]
        self._record = record
        indexes = [(column, "UNIQUE ") for column in unique] + [(column, "") for column in indexed]
        self.definition: Final = f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(declared)});" + "".join(
            f"CREATE {kind}INDEX IF NOT EXISTS {name}_{column} ON {name} ({column});" for column, kind in indexes
        )
        self._select = f"SELECT {', '.join(columns)} FROM {name}"  # noqa: S608 -- see the class
        self._name = name
        self._next_id = f"SELECT coalesce(max(id), ?) + 1 FROM {name}"  # noqa: S608 -- see the class
        self._write = (
            f"INSERT INTO {name} VALUES ({', '.join(':' + column for column in columns)}) "  # noqa: S608 -- see the class
            f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in columns)}"
        )

    def next_id(self, connection: sqlite3.Connection) -> int:
        """Return the id of the next row."""
        (number,) = connection.execute(self._next_id, [first_id()]).fetchone()
        return int(number)

    def write(self, connection: sqlite3.Connection, record: Record) -> Record:
        """Add the row, or replace the one with its id."""
        connection.execute(self._write, asdict(record))
        return record

    def find(self, connection: sqlite3.Connection, *conditions: Condition) -> Record | None:
        """Return the newest row that fits, if there is one."""
        return next(iter(self.list(connection, *conditions, limit=1)), None)

    def list(
        self, connection: sqlite3.Connection, *conditions: Condition, limit: int = -1, offset: int = 0
    ) -> list[Record]:
        """Return the rows that fit, newest first."""
        where, values = _where(conditions)
        rows = connection.execute(self._select + where + " ORDER BY id DESC LIMIT ? OFFSET ?", [*values, limit, offset])
        return [self._record(*row) for row in rows]

    def count(self, connection: sqlite3.Connection, *conditions: Condition) -> int:
        """Return how many rows fit."""
        return self._aggregate(connection, "count(*)", conditions)

    def total(self, connection: sqlite3.Connection, column: str, *conditions: Condition) -> int:
        """Return the sum of a column over the rows that fit."""
        return self._aggregate(connection, f"coalesce(sum({column}), 0)", conditions)

    def _aggregate(self, connection: sqlite3.Connection, function: str, conditions: Sequence[Condition]) -> int:
        where, values = _where(conditions)
        query = f"SELECT {function} FROM {self._name}{where}"  # noqa: S608 -- see the class
        (number,) = connection.execute(query, values).fetchone()
        return int(number)


def _where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    if not conditions:
        return "", []
    return " WHERE " + " AND ".join(sql for sql, _ in conditions), [value for _, value in conditions]

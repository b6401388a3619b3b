"""Telling a database that is away, that takes no writes, or that somebody else keeps busy, from one that says no."""

from typing import Final

import psycopg2
from django.db import InterfaceError, OperationalError
from psycopg2 import errorcodes

# Somebody else holds the rows, or it took too long: the database is there, and rolled back what was begun.
_CONTENDED: Final = frozenset(
    {
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.QUERY_CANCELED,
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
    }
)


def is_database_away(error: BaseException) -> bool:
    """Whether `error` tells that the database did not answer, or that this connection to it is lost."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    # psycopg2 has no better word for a server that ends in the middle of a statement: no subclass, no SQLSTATE.
    # Django raises the same class for errors of its own, which have no such cause.
    cause = error.__cause__
    return type(cause) is psycopg2.DatabaseError and cause.pgcode is None


def is_contended(error: BaseException) -> bool:
    """Whether `error` tells that the database was kept from it by somebody else, so that it may be tried again."""
    return find_sqlstate(error) in _CONTENDED


def is_read_only(error: BaseException) -> bool:
    """Whether `error` tells that the database takes no writes, as a standby, or one whose disk is full."""
    return find_sqlstate(error) == errorcodes.READ_ONLY_SQL_TRANSACTION


def find_sqlstate(error: BaseException) -> str | None:
    """Return what Postgres calls the error, if it was Postgres that raised it."""
    code = getattr(error.__cause__, "pgcode", None)
    return code if isinstance(code, str) else None

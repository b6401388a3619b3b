"""Telling a database that is away from one that says no."""

import psycopg2
from django.db import InterfaceError, OperationalError


def is_database_away(error: BaseException) -> bool:
    """Whether `error` tells that the database did not answer, or that this connection to it is lost."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    # psycopg2 has no better word for a server that ends in the middle of a statement: no subclass, no SQLSTATE.
    # Django raises the same class for errors of its own, which have no such cause.
    cause = error.__cause__
    return type(cause) is psycopg2.DatabaseError and cause.pgcode is None

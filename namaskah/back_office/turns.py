"""Turns: forms about one thing act one after the other, so that what each shows is still true when it acts."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError
from psycopg2 import errorcodes

from namaskah.direct_connections import open_direct_connection
from namaskah.errors import ConflictError


class TurnNotHadError(ConflictError):
    """Another form about the same thing is still acting."""

    code = "concurrent_update"


@contextmanager
def take_turn(subject: str) -> Iterator[None]:
    """Act alone upon `subject` during the block; whoever acts upon it first is waited for.

    Whether a page still shows what is there is found out before the service that it calls begins its own
    transactions, whose locks come too late for that.

    :raises TurnNotHadError: if the other is not done within the database's lock_timeout.
    """
    connection = open_direct_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"form:{subject}"])
    except OperationalError as error:
        connection.close()
        if getattr(error.__cause__, "pgcode", None) != errorcodes.LOCK_NOT_AVAILABLE:
            raise
        message = "Somebody is doing something here at this moment. Wait a little and send it again; nothing was done."
        raise TurnNotHadError(message) from error
    try:
        yield
    finally:
        # The lock ends with its session.
        connection.close()

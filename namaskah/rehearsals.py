"""Doing the real work without its effect, to see what it would do."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection


@contextmanager
def rehearse() -> Iterator[None]:
    """Run the block in a database transaction that is rolled back, whatever transactions it opens itself.

    Inside, every `atomic` block is a savepoint, durable ones too. Deferred constraints are checked at the end,
    so that what would fail at its commit fails here. Every line of the log says that it was a rehearsal,
    and none is worse than "info".
    """
    if connection.in_atomic_block:
        raise RuntimeError("A rehearsal needs a connection of its own.")
    connection.set_autocommit(False)
    try:
        with connection.cursor() as cursor:
            # The work may wait for the gateway in between, which otherwise happens outside transactions.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        with structlog.contextvars.bound_contextvars(is_rehearsal=True):
            yield
        check_deferred()
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def check_deferred() -> None:
    """Check within a rehearsal what a commit would check now.

    :raises IntegrityError: if the commit would fail.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")

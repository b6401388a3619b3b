"""Database transactions that lost against another one and may simply be run again."""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import OperationalError, transaction
from psycopg2 import errorcodes

Result = TypeVar("Result")

_ATTEMPTS: Final = 3
_LOST: Final = frozenset({errorcodes.DEADLOCK_DETECTED, errorcodes.SERIALIZATION_FAILURE})


def run_transaction(work: Callable[[], Result]) -> Result:
    """Run `work` in a database transaction of its own, again if Postgres chose it to give way.

    Postgres rolled the loser of a deadlock or of a serialization conflict back whole, so nothing of it
    is left. `work` is called up to three times and must do nothing outside the database.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            with transaction.atomic(durable=True):
                return work()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in _LOST:
                raise
    with transaction.atomic(durable=True):
        return work()

"""Two browsers that do the same at the same moment, and how each of them fared."""

import re
from collections.abc import Sequence

from django.db import connection, transaction
from playwright.sync_api import Locator

from tests.browser.back_office.visitors import Visitor
from tests.waiting import wait_until

# Shorter than the product itself waits for a lock.
_PATIENCE_SECONDS = 2.5


def press_together(buttons: Sequence[Locator], *, table: str = "form_tokens") -> None:
    """Press all buttons, and let none of the requests go on before all of them are in the middle of it.

    Each has to read `table`, which is locked until Postgres says that all of them wait for it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        for button in buttons:
            button.click(no_wait_after=True)
        wait_until(lambda: _count_waiting() == len(buttons), seconds=_PATIENCE_SECONDS)


def find_winner(visitors: Sequence[Visitor], *, winner: str, loser: str) -> tuple[Visitor, Visitor]:
    """Return who was told that it is done, and who was told that it was not; each is told in a sentence."""
    said = [visitor.told() for visitor in visitors]
    won = [visitor for visitor, sentence in zip(visitors, said, strict=True) if re.search(winner, sentence)]
    lost = [visitor for visitor, sentence in zip(visitors, said, strict=True) if re.search(loser, sentence)]
    assert (len(won), len(lost)) == (1, len(visitors) - 1), said
    return won[0], lost[0]


def _count_waiting() -> int:
    with connection.cursor() as cursor:
        # Within a transaction Postgres goes on showing the activity that was asked for first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return int(cursor.fetchone()[0])

"""Actors that work at once: threads with a database connection each, and who waits for whom."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Barrier, Event, Thread
from typing import Any

from django.db import connection

from tests.waiting import wait_until

PATIENCE_SECONDS = 20


class Pause:
    """Stops an actor before its first statement that contains `text`, until told to go on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_reached = Event()
        self._may_go_on = Event()

    def of(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with this pause in it."""

        def paused(*arguments: Any) -> Any:
            with connection.execute_wrapper(self._execute):
                return call(*arguments)

        return paused

    def wait_until_reached(self) -> None:
        assert self._is_reached.wait(PATIENCE_SECONDS), f"no statement contained {self._text!r}"

    def go_on(self) -> None:
        self._may_go_on.set()

    def _execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 -- Django's signature
        if self._text in sql and not self._is_reached.is_set():
            self._is_reached.set()
            assert self._may_go_on.wait(PATIENCE_SECONDS), "nobody let the actor go on"
        return execute(sql, params, many, context)


def start(call: Callable[[], Any]) -> Future[Any]:
    """Run `call` in a thread; its database connection is closed with it."""
    future: Future[Any] = Future()
    Thread(target=_run, args=(call, future), daemon=True).start()
    return future


def run_together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Let all calls go at the same moment; return what each returned, or the error that it raised."""
    barrier = Barrier(len(calls))
    futures = [start(partial(_after, barrier, call)) for call in calls]
    return [future.exception(PATIENCE_SECONDS) or future.result() for future in futures]


def wait_until_blocked(count: int = 1) -> None:
    """Wait until `count` connections of this database wait for a lock that another holds."""
    wait_until(lambda: count_blocked() == count, seconds=PATIENCE_SECONDS)


def count_blocked() -> int:
    with connection.cursor() as cursor:
        # Within a transaction Postgres goes on showing the activity that was asked for first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return int(cursor.fetchone()[0])


def _run(call: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 -- the test that asked decides what it means
        future.set_exception(error)
    finally:
        connection.close()


def _after(barrier: Barrier, call: Callable[[], Any]) -> Any:
    barrier.wait(PATIENCE_SECONDS)
    return call()

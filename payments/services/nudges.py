"""Telling the workers that there is something in the inbox, without ever waiting for the broker.

A nudge may be lost: beat sends the same message every second, and the row is the truth. Publishing
happens in one daemon thread per process, because a frozen Redis blocks a publish for over a minute.
"""

import heapq
import os
import threading
import time
from typing import Final

import structlog
from celery import current_app
from django.conf import settings

logger = structlog.get_logger(__name__)

DRAIN_TASK: Final = "payments.drain_inbox"
_COALESCE_SECONDS: Final = 0.02
_AFTER_FAILURE_SECONDS: Final = 1.0
_BROKER_TIMEOUTS: Final = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}


class _Nudger:
    """One thread and the times at which it is to publish: those that are due together become one message."""

    def __init__(self) -> None:
        self._due: list[float] = []
        self._changed = threading.Condition()
        self.pid = os.getpid()
        threading.Thread(target=self._run, name="inbox-nudger", daemon=True).start()

    def request(self, *, after_seconds: float) -> None:
        with self._changed:
            heapq.heappush(self._due, time.monotonic() + after_seconds)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            self._wait_until_due()
            time.sleep(_COALESCE_SECONDS if _publish() else _AFTER_FAILURE_SECONDS)

    def _wait_until_due(self) -> None:
        with self._changed:
            while not self._due or self._due[0] > time.monotonic():
                self._changed.wait(self._due[0] - time.monotonic() if self._due else None)
            while self._due and self._due[0] <= time.monotonic():
                heapq.heappop(self._due)


_mutex = threading.Lock()
_nudger: _Nudger | None = None


def nudge(*, after_seconds: float = 0.0) -> None:
    """Ask for a drain of the inbox soon, or when a retry is due; returns at once and never fails."""
    global _nudger  # noqa: PLW0603 -- one thread per process; a fork needs a new one, hence the pid
    if _nudger is None or _nudger.pid != os.getpid():
        with _mutex:
            if _nudger is None or _nudger.pid != os.getpid():
                _nudger = _Nudger()
    _nudger.request(after_seconds=after_seconds)


def _publish() -> bool:
    try:
        with current_app.connection_for_write(transport_options=_BROKER_TIMEOUTS) as connection:
            current_app.send_task(
                DRAIN_TASK,
                expires=settings.NUDGE_EXPIRES_SECONDS,
                retry=False,
                ignore_result=True,
                connection=connection,
            )
    except Exception as error:  # noqa: BLE001 -- whatever ails the broker, the row is stored and beat comes by
        logger.warning("nudge_lost", error=type(error).__name__)
        return False
    return True

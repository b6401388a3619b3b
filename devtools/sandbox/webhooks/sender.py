"""Delivers events in the background and again until they are taken: only exactly 200 counts."""

import heapq
import itertools
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from devtools.sandbox.clock import now_text
from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger.database import Database
from devtools.sandbox.ledger.tables import Attempt, StoredEvent, attempts
from devtools.sandbox.settings import Settings
from devtools.sandbox.webhooks.attempts import Outcome, Post

_THREADS: Final = 16
_END_SECONDS: Final = 2.0


@dataclass(order=True)
class _Job:
    """An attempt to be made; of two that are due together, the older goes first."""

    due: float
    sequence: int
    event: StoredEvent = field(compare=False)
    delivery: str = field(compare=False)
    number: int = field(compare=False)
    first: Future[Attempt] = field(compare=False)


class Sender:
    """A few threads that make the attempts that are due."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._sequence = itertools.count()
        self._jobs: list[_Job] = []
        self._posts: set[Post] = set()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._threads = [threading.Thread(target=self._work, name=f"sender-{n}", daemon=True) for n in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def send(self, event: StoredEvent, *, times: int, wait_seconds: float = 0.0) -> list[Future[Attempt]]:
        """Deliver `event` so many times, all at once; each future ends with the first attempt of a delivery."""
        if not self._settings.webhook_url:
            return []
        firsts: list[Future[Attempt]] = [Future() for _ in range(times)]
        for first in firsts:
            self._put(event, make_code(), 1, first, wait_seconds=wait_seconds)
        return firsts

    def close(self) -> None:
        """Cut off what is under way and forget what is to come."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            for post in self._posts:
                post.cut_off()
        for thread in self._threads:
            thread.join(_END_SECONDS)
        for job in self._jobs:
            job.first.cancel()

    def _put(
        self, event: StoredEvent, delivery: str, number: int, first: Future[Attempt], *, wait_seconds: float
    ) -> None:
        job = _Job(time.monotonic() + wait_seconds, next(self._sequence), event, delivery, number, first)
        with self._changed:
            heapq.heappush(self._jobs, job)
            self._changed.notify()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            post = Post(self._settings.webhook_url, job.event, timeout_seconds=self._settings.webhook_timeout_seconds)
            with self._changed:
                self._posts.add(post)
            started_at = now_text()
            outcome = post.send()
            with self._changed:
                self._posts.discard(post)
                if self._is_stopped:
                    job.first.cancel()
                    return
            self._finish(job, started_at, outcome)

    def _take(self) -> _Job | None:
        """Wait for a job that is due; None when there will be no more."""
        with self._changed:
            while not self._is_stopped:
                now = time.monotonic()
                if self._jobs and self._jobs[0].due <= now:
                    return heapq.heappop(self._jobs)
                self._changed.wait(self._jobs[0].due - now if self._jobs else None)
            return None

    def _finish(self, job: _Job, started_at: str, outcome: Outcome) -> None:
        """Record the attempt, and plan the next one if it failed."""
        with self._database.work() as connection:
            attempt = Attempt(
                id=attempts.next_id(connection),
                event_id=job.event.id,
                reference=job.event.reference,
                event=job.event.event,
                delivery=job.delivery,
                number=job.number,
                started_at=started_at,
                status=outcome.status,
                milliseconds=outcome.milliseconds,
                error=outcome.error,
            )
            attempts.write(connection, attempt)
        waits = self._settings.retry_seconds
        # Before anybody who waits for this attempt can go on to look for the next.
        if outcome.status != HTTPStatus.OK and job.number <= len(waits):
            self._put(job.event, job.delivery, job.number + 1, job.first, wait_seconds=waits[job.number - 1])
        if job.number == 1:
            job.first.set_result(attempt)

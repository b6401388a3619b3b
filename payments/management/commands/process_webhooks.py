"""`manage.py process_webhooks`: drain the inbox in the foreground, without a broker."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from namaskah.commands import OperatorCommand, Stopped
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.selectors import backlogs
from payments.services import webhooks

_IDLE_SECONDS: Final = 1.0
_SLICE_SECONDS: Final = 1.0


class Command(OperatorCommand):
    """Process due webhook events."""

    help = (
        "Process the webhook events that are due, as the worker does. For a long outage of Redis; it may run beside "
        "workers. With --follow it goes on until it is stopped, and tells then what it did. It has no --dry-run: "
        "replay_webhooks --status received --dry-run shows what would change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether to stay."""
        parser.add_argument("--follow", action="store_true", help="go on with what comes in, until stopped")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Drain in short slices, so that a stop is heard; what follows is done when it is stopped."""
        taken = dead = 0

        def count(number: int, number_dead: int) -> None:
            nonlocal taken, dead
            taken += number
            dead += number_dead
            self.show_progress(f"{taken} taken up")
            self.check_stop()

        try:
            self._drain(count, is_following=options["follow"])
        except Stopped:
            if not options["follow"]:
                raise
        return self._report(taken, dead, as_json=options["json"])

    def _drain(self, count: Callable[[int, int], None], *, is_following: bool) -> None:
        while True:
            self.check_stop()
            is_more = webhooks.drain_inbox(limit_seconds=_SLICE_SECONDS, progress=count)
            if not is_more and not is_following:
                return
            if not is_more:
                time.sleep(_IDLE_SECONDS)

    def _report(self, taken: int, new_dead: int, *, as_json: bool) -> int:
        due, dead = backlogs.measure_events(*DUE_STATUSES), backlogs.measure_events(EventStatus.DEAD)
        if as_json:
            answer = {"taken": taken, "due": due.count, "new_dead": new_dead}
            self.print_json({**answer, "dead": dead.count, "oldest_dead_at": dead.oldest_at})
        else:
            self.say(f"{taken} taken up, {due.count} waiting for a retry, {new_dead} more dead.")
            if dead.oldest_at is not None:
                self.say(f"{dead.count} dead in all, the oldest received at {dead.oldest_at:%Y-%m-%d %H:%M} UTC.")
        return 1 if new_dead else 0

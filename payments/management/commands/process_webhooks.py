"""`manage.py process_webhooks`: drain the inbox in the foreground, without a broker."""

import time
from argparse import ArgumentParser
from typing import Any, Final

from namaskah.commands import OperatorCommand
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.selectors import backlogs
from payments.services import webhooks

_IDLE_SECONDS: Final = 1.0
_SLICE_SECONDS: Final = 1.0


class Command(OperatorCommand):
    """Process due webhook events."""

    help = (
        "Process the webhook events that are due, as the worker does. For a long outage of Redis; it may run beside "
        "workers. With --follow it goes on until it is stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether to stay."""
        parser.add_argument("--follow", action="store_true", help="go on with what comes in, until stopped")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Drain in short slices, so that a stop is heard."""
        dead_before = backlogs.measure_events(EventStatus.DEAD).count
        taken = 0

        def count(number: int) -> None:
            nonlocal taken
            taken += number
            self.show_progress(f"{taken} taken up")
            self.check_stop()

        while True:
            self.check_stop()
            is_more = webhooks.drain_inbox(limit_seconds=_SLICE_SECONDS, progress=count)
            if not is_more and not options["follow"]:
                break
            if not is_more:
                time.sleep(_IDLE_SECONDS)
        return self._report(taken, dead_before, as_json=options["json"])

    def _report(self, taken: int, dead_before: int, *, as_json: bool) -> int:
        due, dead = backlogs.measure_events(*DUE_STATUSES), backlogs.measure_events(EventStatus.DEAD)
        new_dead = dead.count - dead_before
        if as_json:
            answer = {"taken": taken, "due": due.count, "new_dead": new_dead}
            self.print_json({**answer, "dead": dead.count, "oldest_dead_at": dead.oldest_at})
        else:
            self.say(f"{taken} taken up, {due.count} waiting for a retry, {new_dead} more dead.")
            if dead.oldest_at is not None:
                self.say(f"{dead.count} dead in all, the oldest received at {dead.oldest_at:%Y-%m-%d %H:%M} UTC.")
        return 1 if new_dead > 0 else 0

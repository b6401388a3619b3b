"""`manage.py process_webhooks`: drain the inbox in the foreground, without a broker."""

import time
from argparse import ArgumentParser
from typing import Any, Final

from namaskah.commands import OperatorCommand
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
        dead_before = webhooks.count_open().dead
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
        left = webhooks.count_open()
        return self._report(taken, due=left.due, new_dead=left.dead - dead_before, as_json=options["json"])

    def _report(self, taken: int, *, due: int, new_dead: int, as_json: bool) -> int:
        if as_json:
            self.print_json({"taken": taken, "due": due, "new_dead": new_dead})
        else:
            self.say(f"{taken} taken up, {due} waiting for a retry, {new_dead} more dead.")
        return 1 if new_dead > 0 else 0

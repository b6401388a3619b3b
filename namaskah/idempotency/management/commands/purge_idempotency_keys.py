"""`manage.py purge_idempotency_keys`: forget what expired keys need not keep."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils import timezone

from namaskah.commands import OperatorCommand
from namaskah.idempotency import purging


class Command(OperatorCommand):
    """Purge expired keys."""

    help = (
        "Remove the stored answers of expired idempotency keys, which stay known, and expired keys whose requests "
        "changed nothing. Safe to stop and to run again."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        self.add_dry_run(parser, "count them and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Purge batch by batch, and say how many there were."""
        now = timezone.now()
        purged = purging.list_purgeable(now=now).count() if options["dry_run"] else self._purge(now)
        if options["json"]:
            self.print_json({"purged": purged, "dry_run": options["dry_run"]})
        else:
            keys = "key" if purged == 1 else "keys"
            self.stdout.write(f"{'Would purge' if options['dry_run'] else 'Purged'} {purged} expired {keys}.")
        return 0

    def _purge(self, now: datetime) -> int:
        purged = 0
        for count in purging.purge_keys(now=now):
            purged += count
            self.show_progress(f"{purged} purged")
            self.check_stop()
        return purged

"""`manage.py purge_idempotency_keys`: forget what expired keys need not keep."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from namaskah.idempotency import purging


class Command(BaseCommand):
    """Purge expired keys."""

    help = (
        "Remove the stored answers of expired idempotency keys, which stay known, and expired keys whose requests "
        "changed nothing. Safe to stop and to run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--dry-run", action="store_true", help="count them and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Purge batch by batch, and say how many there were."""
        now = timezone.now()
        purged = purging.list_purgeable(now=now).count() if options["dry_run"] else self._purge(now)
        if options["json"]:
            self.stdout.write(json.dumps({"purged": purged, "dry_run": options["dry_run"]}))
        else:
            keys = "key" if purged == 1 else "keys"
            self.stdout.write(f"{'Would purge' if options['dry_run'] else 'Purged'} {purged} expired {keys}.")

    def _purge(self, now: Any) -> int:
        purged = 0
        for count in purging.purge_keys(now=now):
            purged += count
            if self.stderr.isatty():
                self.stderr.write(f"\r{purged} purged", ending="")
        return purged

"""`manage.py revoke_api_key USERNAME LAST_FOUR`: end a key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import revoke_api_key


class Command(BaseCommand):
    """Revoke an API key."""

    help = "End an API key at once. Name it by its user and its last four characters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the key's name."""
        parser.add_argument("username")
        parser.add_argument("last_four", help="the last four characters of the key")
        parser.add_argument("--dry-run", action="store_true", help="say which key it is and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Find the one key that is meant, and end it."""
        found = list(ApiKey.objects.filter(user__username=options["username"], last_four=options["last_four"]))
        if not found:
            raise CommandError(f"{options['username']} has no key that ends with {options['last_four']!r}.")
        for api_key in found:
            was_open = api_key.revoked_at is None
            if not options["dry_run"]:
                was_open = revoke_api_key(api_key=api_key, now=timezone.now())
            self._report(api_key, was_open=was_open, options=options)

    def _report(self, api_key: ApiKey, *, was_open: bool, options: dict[str, Any]) -> None:
        if options["json"]:
            answer = {"name": api_key.name, "last_four": api_key.last_four, "was_open": was_open}
            self.stdout.write(json.dumps({**answer, "dry_run": options["dry_run"]}))
        elif not was_open:
            self.stdout.write(f"{api_key} was revoked before.")
        else:
            self.stdout.write(f"{'Would revoke' if options['dry_run'] else 'Revoked'} {api_key}.")

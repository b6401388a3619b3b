"""`manage.py revoke_api_key USERNAME KEY`: end a key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils import timezone
from knox.settings import CONSTANTS

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import revoke_api_key
from namaskah.command_actors import add_actor, get_actor
from namaskah.commands import OperatorCommand, read_text

_SHORTEST_BEGINNING = 8


class Command(OperatorCommand):
    """Revoke an API key."""

    help = "End an API key at once. Name it by its user and its last four or first eight characters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the key's name."""
        parser.add_argument("username", type=read_text)
        parser.add_argument(
            "key", type=read_text, help="the last four characters of the key, or its first eight or more"
        )
        add_actor(parser, is_required=False)
        parser.add_argument("--reason", type=read_text, default="", help="why; it stands in the audit log")
        self.add_dry_run(parser, "say which key it is and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Find the one key that is meant, and end it."""
        api_key = self._get_key(options["username"], options["key"])
        was_open = api_key.revoked_at is None
        if not options["dry_run"]:
            by = get_actor(options["by"]) if options["by"] else None
            was_open = revoke_api_key(api_key=api_key, by=by, reason=options["reason"], now=timezone.now())
        self._report(api_key, was_open=was_open, options=options)
        return 0

    def _get_key(self, username: str, part: str) -> ApiKey:
        is_meant = Q(last_four=part)
        if len(part) >= _SHORTEST_BEGINNING:
            is_meant |= Q(token_key__startswith=part[: CONSTANTS.TOKEN_KEY_LENGTH])
        found: list[ApiKey] = list(ApiKey.objects.filter(is_meant, user__username=username))
        if not found:
            raise CommandError(f"{username} has no key that begins or ends with {part!r}.")
        if len(found) > 1:
            raise CommandError(f"{username} has {len(found)} such keys: name the one by its first characters.")
        return found[0]

    def _report(self, api_key: ApiKey, *, was_open: bool, options: dict[str, Any]) -> None:
        if options["json"]:
            answer = {"name": api_key.name, "last_four": api_key.last_four, "was_open": was_open}
            self.print_json({**answer, "dry_run": options["dry_run"]})
        elif not was_open:
            self.say(f"{api_key} was revoked before.")
        else:
            self.say(f"{'Would revoke' if options['dry_run'] else 'Revoked'} {api_key}.")

"""`manage.py create_api_key USERNAME`: a new API key, printed once."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import issue_api_key
from namaskah.command_actors import add_actor, get_actor
from namaskah.commands import OperatorCommand, read_text

SERVICE_PERMISSION = "billing.debit_wallet"
_MOST_DAYS = 3650


class Command(OperatorCommand):
    """Make an API key."""

    help = (
        "Make an API key, and its user if there is none. The key is the last line on stdout and is never shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user and what the key is for."""
        parser.add_argument("username", type=read_text)
        parser.add_argument(
            "--email", type=read_text, help="set the user's e-mail address, which Paystack needs for purchases"
        )
        parser.add_argument("--service", action="store_true", help=f"grant {SERVICE_PERMISSION}")
        parser.add_argument(
            "--permission", type=read_text, action="append", default=[], metavar="APP.CODENAME", help="grant it"
        )
        parser.add_argument("--name", type=read_text, default="", help="what the key is for")
        parser.add_argument("--expires-days", type=int, help="days until the key ends; without it, it does not")
        add_actor(parser, is_required=False)
        self.add_dry_run(parser, "say what would be made and make nothing")
        parser.add_argument("--json", action="store_true", help="say it on stderr as one JSON object")

    @transaction.atomic
    def work(self, **options: Any) -> int:
        """Make user and key, all or nothing."""
        # What is said there is no error, and is not to be printed in red.
        self.stderr.style_func = None
        days = options["expires_days"]
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--expires-days must be from 1 to {_MOST_DAYS}.", returncode=2)
        names = [*options["permission"], *([SERVICE_PERMISSION] if options["service"] else [])]
        permissions = [self._get_permission(name) for name in names]
        user = self._keep_user(options["username"], email=options["email"])
        user.user_permissions.add(*permissions)
        api_key, secret = issue_api_key(
            user=user,
            name=options["name"] or "made by command",
            expires_in=None if days is None else timedelta(days=days),
            by=get_actor(options["by"]) if options["by"] else None,
            now=timezone.now(),
            in_shell=True,
        )
        self._report(api_key, permissions=names, options=options)
        if options["dry_run"]:
            transaction.set_rollback(True)
        else:
            self.say(secret)
            # A key that nobody could read is not made: this fails before the commit.
            self.stdout.flush()
        return 0

    def _keep_user(self, username: str, *, email: str | None) -> User:
        user = User.objects.filter(username=username).first()
        if user is None:
            user = User(username=username)
            user.set_unusable_password()
        if email is not None:
            user.email = email
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        user.save()
        return user

    def _report(self, api_key: ApiKey, *, permissions: list[str], options: dict[str, Any]) -> None:
        if options["json"]:
            user_id = None if options["dry_run"] else api_key.user_id
            made = {"username": api_key.user.username, "name": api_key.name, "last_four": api_key.last_four}
            told = {"user_id": user_id, **made, "permissions": permissions, "dry_run": options["dry_run"]}
            self.stderr.write(json.dumps(told))
        elif options["dry_run"]:
            self.stderr.write(f"Would make a key of {api_key.user.username}, named {api_key.name}.")
        else:
            self.stderr.write(f"Key {api_key} of {api_key.user.username} (user {api_key.user_id}), shown this once:")

    def _get_permission(self, name: str) -> Permission:
        app, _, codename = name.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if permission is None:
            raise CommandError(f"There is no permission {name!r}; name it APP.CODENAME.")
        return permission

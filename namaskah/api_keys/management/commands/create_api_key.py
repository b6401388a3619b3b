"""`manage.py create_api_key USERNAME`: a new API key, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from namaskah.api_keys.services import issue_api_key

SERVICE_PERMISSION = "billing.debit_wallet"


class Command(BaseCommand):
    """Make an API key."""

    help = (
        "Make an API key, and its user if there is none. The key is the last line on stdout and is never shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user and what the key is for."""
        parser.add_argument("username")
        parser.add_argument("--email", help="set the user's e-mail address, which Paystack needs for purchases")
        parser.add_argument("--service", action="store_true", help=f"grant {SERVICE_PERMISSION}")
        parser.add_argument("--permission", action="append", default=[], metavar="APP.CODENAME", help="grant it")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument("--expires-days", type=int, help="days until the key ends; without it, it does not")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Make user and key, all or nothing."""
        days = options["expires_days"]
        if days is not None and days < 1:
            raise CommandError("--expires-days must be 1 or more.")
        names = [*options["permission"], *([SERVICE_PERMISSION] if options["service"] else [])]
        permissions = [self._get_permission(name) for name in names]
        user, is_new = User.objects.get_or_create(username=options["username"])
        if options["email"]:
            user.email = options["email"]
            user.save(update_fields=["email"])
        user.user_permissions.add(*permissions)
        api_key, secret = issue_api_key(
            user=user,
            name=options["name"] or "made by command",
            expires_in=None if days is None else timedelta(days=days),
            by=None,
            now=timezone.now(),
        )
        self.stderr.write(f"{'New user' if is_new else 'User'} {user.username}, key {api_key}:")
        self.stdout.write(secret)

    def _get_permission(self, name: str) -> Permission:
        app, _, codename = name.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if permission is None:
            raise CommandError(f"There is no permission {name!r}; name it APP.CODENAME.")
        return permission

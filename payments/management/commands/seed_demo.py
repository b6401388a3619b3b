"""`manage.py seed_demo`: the people and rates of a demonstration; safe to run again."""

from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from namaskah.commands import OperatorCommand
from namaskah.rehearsals import rehearse
from payments.services import demonstration


class Command(OperatorCommand):
    """Seed a demonstration."""

    help = "Make an administrator, a customer, a service account and exchange rates. Only where DEBUG is on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        self.add_dry_run(parser, "make them, undo it, and say so")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Seed, and say what there is now."""
        if not settings.DEBUG:
            raise CommandError("seed_demo makes a log-in with a known password: it runs only where DEBUG is on.")
        with rehearse() if options["dry_run"] else nullcontext():
            customer = demonstration.seed_people()
            self.check_stop()
            demonstration.seed_rates(now=timezone.now())
        self._report(customer, options)
        return 0

    def _report(self, customer: User, options: dict[str, Any]) -> None:
        administrator = {
            "role": "administrator",
            "username": demonstration.ADMINISTRATOR,
            "password": demonstration.PASSWORD,
        }
        if options["json"]:
            user_id = None if options["dry_run"] else customer.pk
            answer = {
                "staff": [administrator],
                "customer": {"username": customer.username, "user_id": user_id},
                "service_account": {"username": demonstration.SERVICE_ACCOUNT},
                "dry_run": options["dry_run"],
            }
            self.print_json(answer)
            return
        self.say(f"Log in at /admin/ as {demonstration.ADMINISTRATOR} / {demonstration.PASSWORD}.")
        self.say(f"Customer: {demonstration.CUSTOMER}. Service account: {demonstration.SERVICE_ACCOUNT}.")
        if options["dry_run"]:
            self.say("So it would be. Nothing was changed.")

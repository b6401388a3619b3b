"""`manage.py seed_demo`: the people, the rates and, if wanted, the past of a demonstration; safe to run again."""

from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from namaskah.commands import OperatorCommand
from namaskah.rehearsals import rehearse
from payments.services.demonstration import books, history, people


class Command(OperatorCommand):
    """Seed a demonstration."""

    help = (
        "Make a log-in for each role, a customer, a service account and exchange rates; with --history thirty days of "
        "payments too. Only where DEBUG is on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether there is to be a past, and the form of the answer."""
        parser.add_argument(
            "--history",
            action="store_true",
            help="also make a few hundred payments of the last thirty days, in every state",
        )
        self.add_dry_run(parser, "make them, undo it, and say so")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Seed, and say what there is now."""
        if not settings.DEBUG:
            raise CommandError("seed_demo makes log-ins with a known password: it runs only where DEBUG is on.")
        made = 0
        with rehearse() if options["dry_run"] else nullcontext():
            customer = people.seed_people()
            self.check_stop()
            people.seed_rates(now=timezone.now())
            if options["history"]:
                made = history.seed_history(now=timezone.now(), check_stop=self.check_stop)
        self._report(customer, made, options)
        return 0

    def _report(self, customer: User, made: int, options: dict[str, Any]) -> None:
        roles = {people.ADMINISTRATOR: "administrator", **{name: role.lower() for name, role in people.STAFF.items()}}
        staff = [{"role": role, "username": username, "password": people.PASSWORD} for username, role in roles.items()]
        if options["json"]:
            answer = {
                "staff": staff,
                "customer": {"username": customer.username, "user_id": None if options["dry_run"] else customer.pk},
                "service_account": {"username": people.SERVICE_ACCOUNT},
                "dry_run": options["dry_run"],
            }
            if options["history"]:
                answer |= {"payments_made": made, "books": books.describe_books()}
            self.print_json(answer)
            return
        self.say(f"Log in at /admin/ as {', '.join(roles)}, each with the password {people.PASSWORD}.")
        self.say(f"Customer: {people.CUSTOMER}. Service account: {people.SERVICE_ACCOUNT}.")
        if options["history"]:
            self.say(f"{made} payments were made.")
        if options["dry_run"]:
            self.say("So it would be. Nothing was changed.")

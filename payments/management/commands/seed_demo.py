"""`manage.py seed_demo`: the people and rates of a demonstration; safe to run again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.services import demonstration


class Command(BaseCommand):
    """Seed a demonstration."""

    help = "Make an administrator, a customer, a service account and exchange rates. Only where DEBUG is on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seed, and say what there is now."""
        if not settings.DEBUG:
            raise CommandError("seed_demo makes a log-in with a known password: it runs only where DEBUG is on.")
        customer = demonstration.seed_people()
        demonstration.seed_rates(now=timezone.now())
        answer = {
            "staff": [
                {
                    "role": "administrator",
                    "username": demonstration.ADMINISTRATOR,
                    "password": demonstration.PASSWORD,
                }
            ],
            "customer": {"username": customer.username, "user_id": customer.pk},
            "service_account": {"username": demonstration.SERVICE_ACCOUNT},
        }
        if options["json"]:
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"Log in at /admin/ as {demonstration.ADMINISTRATOR} / {demonstration.PASSWORD}.")
        self.stdout.write(f"Customer: {demonstration.CUSTOMER}. Service account: {demonstration.SERVICE_ACCOUNT}.")

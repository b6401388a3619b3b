"""`manage.py set_exchange_rate NGN 1650`: what a dollar costs, valid from now."""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from billing.services import exchange_rates
from namaskah.commands import OperatorCommand, read_text


class Command(OperatorCommand):
    """Set the exchange rate of a currency."""

    help = "Set what one US dollar costs in a currency, in units of it, valid from now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the currency and the rate."""
        parser.add_argument("currency", type=read_text, help="NGN, GHS, KES or ZAR")
        parser.add_argument("rate", type=read_text, help="units of the currency per US dollar, at most six decimals")
        self.add_dry_run(parser, "check and write nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Set it, or say what is wrong with it."""
        currency = options["currency"].upper()
        try:
            rate = Decimal(options["rate"])
        except InvalidOperation as error:
            raise CommandError(f"{options['rate']!r} is not a number.") from error
        with transaction.atomic():
            saved = exchange_rates.set_exchange_rate(currency=currency, units_per_usd=rate, by=None, now=timezone.now())
            transaction.set_rollback(options["dry_run"])
        return self._report(currency, rate, valid_from=saved.valid_from.isoformat(), options=options)

    def _report(self, currency: str, rate: Decimal, *, valid_from: str, options: dict[str, Any]) -> int:
        if options["json"]:
            answer = {"currency": currency, "units_per_usd": str(rate), "valid_from": valid_from}
            self.print_json({**answer, "dry_run": options["dry_run"]})
            return 0
        prefix = "Would set" if options["dry_run"] else "Set"
        self.say(f"{prefix} {currency} to {rate} per USD, valid from {valid_from}.")
        return 0

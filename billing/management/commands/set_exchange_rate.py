"""`manage.py set_exchange_rate NGN 1650`: what a dollar costs, valid from now."""

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from billing.services import exchange_rates
from billing.services.exchange_rates import ExchangeRateInvalidError


class Command(BaseCommand):
    """Set the exchange rate of a currency."""

    help = "Set what one US dollar costs in a currency, in units of it, valid from now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the currency and the rate."""
        parser.add_argument("currency", help="NGN, GHS, KES or ZAR")
        parser.add_argument("rate", help="units of the currency per US dollar, at most six decimals")
        parser.add_argument("--dry-run", action="store_true", help="check and write nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Set it, or say what is wrong with it."""
        currency = options["currency"].upper()
        try:
            rate = Decimal(options["rate"])
            with transaction.atomic():
                saved = exchange_rates.set_exchange_rate(
                    currency=currency, units_per_usd=rate, by=None, now=timezone.now()
                )
                transaction.set_rollback(options["dry_run"])
        except InvalidOperation as error:
            raise CommandError(f"{options['rate']!r} is not a number.") from error
        except ExchangeRateInvalidError as error:
            raise CommandError(error.detail) from error
        self._report(currency, rate, valid_from=saved.valid_from.isoformat(), options=options)

    def _report(self, currency: str, rate: Decimal, *, valid_from: str, options: dict[str, Any]) -> None:
        if options["json"]:
            answer = {"currency": currency, "units_per_usd": str(rate), "valid_from": valid_from}
            self.stdout.write(json.dumps({**answer, "dry_run": options["dry_run"]}))
            return
        prefix = "Would set" if options["dry_run"] else "Set"
        self.stdout.write(f"{prefix} {currency} to {rate} per USD, valid from {valid_from}.")

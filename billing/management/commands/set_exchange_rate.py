"""`manage.py set_exchange_rate NGN 1650`: what a dollar costs, valid from now."""

from argparse import ArgumentParser
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from billing.selectors.exchange_rates import find_exchange_rate
from billing.services import exchange_rates
from billing.services.exchange_rates import NewRate
from namaskah.command_actors import add_actor, get_actor
from namaskah.commands import OperatorCommand, read_text
from namaskah.identifiers import new_id
from namaskah.rehearsals import rehearse


class Command(OperatorCommand):
    """Set the exchange rate of a currency."""

    help = (
        "Set what one US dollar costs in a currency, in units of it, valid from now. A rate that is more than "
        f"{exchange_rates.LARGEST_UNSEEN_PERCENT} % from one in force within the last 24 hours is refused without "
        "--confirm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the currency and the rate."""
        parser.add_argument("currency", type=read_text, help="NGN, GHS, KES or ZAR")
        parser.add_argument("rate", type=read_text, help="units of the currency per US dollar, at most six decimals")
        parser.add_argument("--confirm", action="store_true", help="it is meant, however far it is from the one before")
        add_actor(parser)
        self.add_dry_run(parser, "check and write nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Set it, or say what is wrong with it."""
        by, currency, now = get_actor(options["by"]), options["currency"].upper(), timezone.now()
        try:
            rate = Decimal(options["rate"])
        except InvalidOperation as error:
            raise CommandError(f"{options['rate']!r} is not a number.") from error
        replaced = find_exchange_rate(currency, now=now)
        new = NewRate(
            currency=currency,
            units_per_usd=rate,
            replaces=replaced.pk if replaced else None,
            # With none before it, there is nothing that it could be far from.
            is_confirmed=options["confirm"] or replaced is None,
            key=new_id(),
        )
        with rehearse() if options["dry_run"] else nullcontext():
            saved = exchange_rates.replace_exchange_rate(rate=new, by=by, now=now)
        return self._report(currency, rate, valid_from=saved.valid_from.isoformat(), options=options)

    def _report(self, currency: str, rate: Decimal, *, valid_from: str, options: dict[str, Any]) -> int:
        if options["json"]:
            answer = {"currency": currency, "units_per_usd": str(rate), "valid_from": valid_from}
            self.print_json({**answer, "dry_run": options["dry_run"]})
            return 0
        prefix = "Would set" if options["dry_run"] else "Set"
        self.say(f"{prefix} {currency} to {rate} per USD, valid from {valid_from}.")
        return 0

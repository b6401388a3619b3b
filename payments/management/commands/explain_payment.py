"""`manage.py explain_payment REFERENCE`: the whole story of one payment."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from namaskah.commands import OperatorCommand
from namaskah.money import format_minor
from payments.selectors import payments
from payments.services import explanations


class Command(OperatorCommand):
    """Explain one payment."""

    help = "Tell everything that happened to a payment in order, why it is in its state, and what to do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the payment."""
        parser.add_argument("reference", help="the payment's reference, nmk-…")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Tell the story."""
        payment = payments.get_any_payment(reference=options["reference"])
        explanation = explanations.explain_payment(payment)
        if options["json"]:
            moments = [asdict(moment) | {"told": moment.told} for moment in explanation.moments]
            told = {"moments": moments, "conclusion": explanation.conclusion, "commands": explanation.commands}
            self.print_json({"reference": payment.reference, "state": payment.state, **told})
            return 0
        self.say(
            f"{payment.reference}  {payment.state}  {format_minor(payment.amount_minor, payment.currency)}  "
            f"user {payment.user.get_username()}"
        )
        for moment in explanation.moments:
            self.say(f"{moment.at:%Y-%m-%d %H:%M:%S}  {moment.what:<9} {moment.told}")
        commands = "; ".join(f"`{command}`" for command in explanation.commands)
        self.say(f"{explanation.conclusion} Commands: {commands}." if commands else explanation.conclusion)
        return 0

"""`manage.py verify_payment REFERENCE`: ask the gateway now."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from namaskah.command_actors import add_actor, get_actor
from namaskah.commands import OperatorCommand
from namaskah.money import format_credits
from payments.lifecycles import TransitionSource
from payments.models import Cause, PaymentLog
from payments.selectors import payments
from payments.services import verification


class Command(OperatorCommand):
    """Verify one payment."""

    help = "Ask Paystack about a payment, credit it if it was paid, and show it before and after."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the payment."""
        parser.add_argument("reference", help="the payment's reference, nmk-…")
        add_actor(parser, is_required=False)
        self.add_dry_run(parser, "ask and show what would change, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Ask, and tell both states."""
        by = get_actor(options["by"]) if options["by"] else None
        before = payments.get_any_payment(reference=options["reference"])
        after = verification.verify_as_operator(
            payment_id=before.pk,
            by=by,
            cause=Cause(source=TransitionSource.COMMAND, by=by.get_username() if by else ""),
            now=timezone.now(),
            is_rehearsal=options["dry_run"],
        )
        if options["json"]:
            self.print_json({"before": _describe(before), "after": _describe(after), "dry_run": options["dry_run"]})
        else:
            self.say(f"before  {_sentence(before)}")
            self.say(f"{'would be' if options['dry_run'] else 'after'}  {_sentence(after)}")
        return 0


def _describe(payment: PaymentLog) -> dict[str, Any]:
    return {
        "reference": payment.reference,
        "state": payment.state,
        "amount_credited": format_credits(payment.credited_amount) if payment.credited_amount else None,
        "review_reason": payment.review_reason,
        "next_check_at": payment.next_check_at,
    }


def _sentence(payment: PaymentLog) -> str:
    credited = f", {format_credits(payment.credited_amount)} credited" if payment.credited_amount else ""
    review = f", under review ({payment.review_reason})" if payment.review_reason else ""
    return f"{payment.reference} {payment.state}{credited}{review}"

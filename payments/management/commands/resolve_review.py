"""`manage.py resolve_review`: end the review of a payment."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.utils import timezone

from namaskah.command_actors import add_actor, check_said, get_actor
from namaskah.commands import OperatorCommand, read_text
from namaskah.money import format_credits
from namaskah.rehearsals import rehearse
from payments.lifecycles import TransitionSource
from payments.models import Cause, PaymentLog
from payments.selectors import payments
from payments.services import gateway_calls, reviews


class Command(OperatorCommand):
    """Resolve a review."""

    help = (
        "End the review of a payment: --credit gives the credits that were really paid for, asking Paystack anew; "
        "--dismiss leaves everything as it is. To send the money back, use refund_payment."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the payment and the decision."""
        parser.add_argument("reference", help="the payment's reference, nmk-…")
        decision = parser.add_mutually_exclusive_group(required=True)
        decision.add_argument("--credit", action="store_true", help="credit what was really paid")
        decision.add_argument("--dismiss", action="store_true", help="leave everything as it is")
        parser.add_argument("--note", type=read_text, default="", help="why; needed, and stands beside the decision")
        add_actor(parser)
        self.add_dry_run(parser, "show what would be, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Decide, and tell what is true then."""
        by = get_actor(options["by"])
        note = check_said(options["note"], "--note")
        payment = payments.get_any_payment(reference=options["reference"])
        decide = reviews.credit_after_review if options["credit"] else reviews.dismiss_review
        cause = Cause(source=TransitionSource.COMMAND, by=by.get_username())
        with _rehearsal() if options["dry_run"] else nullcontext():
            payment = decide(payment_id=payment.pk, note=note, by=by, cause=cause, now=timezone.now())
        return self._report(payment, options)

    def _report(self, payment: PaymentLog, options: dict[str, Any]) -> int:
        review = payment.review_reason
        credited = format_credits(payment.credited_amount) if payment.credited_amount else None
        if options["json"]:
            answer = {"reference": payment.reference, "state": payment.state, "amount_credited": credited}
            self.print_json({**answer, "review_reason": review, "dry_run": options["dry_run"]})
            return 0
        now = f"under review again ({review})" if review else "no longer under review"
        told = f"{payment.reference} {payment.state}{f', {credited} credited' if credited else ''}, {now}"
        self.say(f"Would be: {told}. Nothing was changed." if options["dry_run"] else f"{told}.")
        return 0


@contextmanager
def _rehearsal() -> Iterator[None]:
    with rehearse(), gateway_calls.reads_only():
        yield

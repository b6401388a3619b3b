"""`manage.py refund_payment`: send a payment's money back, or decide about a refund that waits."""

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from namaskah.command_actors import add_actor, check_said, get_actor
from namaskah.commands import OperatorCommand, read_text
from namaskah.identifiers import REFUND_PREFIX
from namaskah.money import CENTS, format_credits, format_minor
from namaskah.rehearsals import rehearse
from payments.lifecycles import RefundState, TransitionSource
from payments.models import Cause, Refund
from payments.selectors import payments
from payments.selectors.refunds import get_any_refund
from payments.services import refund_endings, refunds
from payments.services.refunds import RefundRequest

_NEXT = {
    RefundState.AWAITING_APPROVAL: "The credits are held. Another person decides: refund_payment {} --approve --by …",
    RefundState.APPROVED: "The credits are taken; a worker sends it to Paystack within seconds.",
    RefundState.REJECTED: "The credits are back.",
    RefundState.FAILED: "The credits are back. Another refund may be asked for.",
}


class Command(OperatorCommand):
    """Refund a payment."""

    help = (
        "Take a payment's credits back and have Paystack send its money to the payer; all that is left of it unless "
        "--amount-usd says less. A refund waits for another person if it comes to more than REFUND_APPROVAL_USD "
        "together with what the same person sent back alone within 24 hours and what anybody sent back alone of the "
        "same payment; then: refund_payment rfd-… --approve, or --reject."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the payment or the refund, and what is to be done."""
        parser.add_argument("reference", type=read_text, help="a payment, nmk-…, or with a decision a refund, rfd-…")
        parser.add_argument("--amount-usd", type=_read_amount, help="such as 10.00; without it, all that is left")
        parser.add_argument(
            "--reason", type=read_text, default="", help="why; needed but with --approve, where it is a comment"
        )
        parser.add_argument(
            "--key", type=UUID, help="a UUID: the same request under it again makes no second refund; new without it"
        )
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--approve", action="store_true", help="let a waiting refund go to Paystack")
        decision.add_argument("--reject", action="store_true", help="refuse a waiting refund")
        decision.add_argument(
            "--never-sent", action="store_true", help="end a refund that Paystack's list, asked again, does not have"
        )
        add_actor(parser)
        self.add_dry_run(parser, "show what would be, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Ask for a refund, or decide about one."""
        by = get_actor(options["by"])
        is_decision = options["approve"] or options["reject"] or options["never_sent"]
        if is_decision != options["reference"].startswith(REFUND_PREFIX):
            raise CommandError(
                "--approve, --reject and --never-sent are for refunds (rfd-…), anything else for payments.",
                returncode=2,
            )
        if is_decision and (options["amount_usd"] or options["key"]):
            raise CommandError(
                "A decision takes no --amount-usd and no --key: it is about what was asked.", returncode=2
            )
        if not options["approve"]:
            check_said(options["reason"], "--reason")
        with rehearse() if options["dry_run"] else nullcontext():
            refund = self._decide(by, options) if is_decision else self._request(by, options)
        return self._report(refund, options)

    def _request(self, by: User, options: dict[str, Any]) -> Refund:
        request = RefundRequest(
            payment_id=payments.get_any_payment(reference=options["reference"]).pk,
            amount_usd=options["amount_usd"],
            reason=options["reason"].strip()[:300],
            idempotency_key=options["key"] or uuid4(),
        )
        return refunds.request_refund(request=request, by=by, cause=_cause(by), now=timezone.now())

    def _decide(self, by: User, options: dict[str, Any]) -> Refund:
        refund = get_any_refund(reference=options["reference"])
        said, now = options["reason"].strip(), timezone.now()
        if options["approve"]:
            return refunds.approve_refund(refund_id=refund.pk, by=by, comment=said, cause=_cause(by), now=now)
        end = refund_endings.end_unsent_refund if options["never_sent"] else refunds.reject_refund
        return end(refund_id=refund.pk, by=by, reason=said, cause=_cause(by), now=now)

    def _report(self, refund: Refund, options: dict[str, Any]) -> int:
        if options["json"]:
            answer = {"refund": refund.reference, "state": refund.state, "amount_minor": refund.amount_minor}
            credit_amount = format_credits(refund.credit_amount)
            self.print_json({**answer, "credits": credit_amount, "dry_run": options["dry_run"]})
            return 0
        money = format_minor(refund.amount_minor, refund.payment.currency)
        told = f"{refund.payment.reference}, {money} for {format_credits(refund.credit_amount)} credits"
        if options["dry_run"]:
            self.stdout.write(f"Would be {refund.state}: refund of {told}. Nothing was changed.")
        else:
            self.stdout.write(f"{refund.reference} {refund.state}: refund of {told}.")
            self.stdout.write(_NEXT.get(RefundState(refund.state), "").format(refund.reference))
        return 0


def _cause(by: User) -> Cause:
    return Cause(source=TransitionSource.COMMAND, by=by.get_username())


def _read_amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no amount, such as 10.00") from error
    if not amount.is_finite() or amount <= 0 or amount >= Decimal(1_000_000) or amount != amount.quantize(CENTS):
        raise ArgumentTypeError(f"{text!r} is no amount of dollars and cents, such as 10.00")
    return amount

"""`manage.py credit_user`: give or take credits by hand, or decide about an adjustment that waits."""

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from billing.lifecycles import AdjustmentReason, AdjustmentState
from billing.models import CreditAdjustment
from billing.selectors import wallets
from billing.selectors.adjustments import get_adjustment
from billing.services import adjustments
from billing.services.adjustments import AdjustmentRequest
from namaskah.command_actors import add_actor, check_said, get_actor
from namaskah.commands import OperatorCommand, read_text
from namaskah.identifiers import ADJUSTMENT_PREFIX
from namaskah.money import format_credits
from namaskah.rehearsals import rehearse

_NEXT = {
    AdjustmentState.AWAITING_APPROVAL: "Nothing has moved. Another person decides: credit_user {} --approve --by …",
    AdjustmentState.POSTED: "It stands in the ledger.",
    AdjustmentState.REJECTED: "Nothing has moved.",
}


class Command(OperatorCommand):
    """Adjust a wallet."""

    help = (
        "Give credits to a user by hand, or take them with a negative amount. An adjustment waits for another person "
        "if it comes to more than MANUAL_CREDIT_APPROVAL_USD together with what the same person has adjusted and sent "
        "back alone within 24 hours; then: credit_user adj-… --approve, or --reject. A payment that was paid and not "
        "credited is no case for this: use verify_payment."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user and the amount, or the adjustment, and why."""
        parser.add_argument(
            "target", type=read_text, help="a username, or with --approve or --reject an adjustment, adj-…"
        )
        parser.add_argument("amount", nargs="?", type=_read_amount, help="credits, such as 5.00 or -5.00")
        parser.add_argument(
            "--reason-code", choices=AdjustmentReason.values, help="what it is booked as; needed for a user"
        )
        parser.add_argument(
            "--note",
            type=read_text,
            default="",
            help="why, for colleagues; needed but with --approve, where it is a comment",
        )
        parser.add_argument("--ticket", type=read_text, default="", help="the case it belongs to; needed for a user")
        parser.add_argument(
            "--key",
            type=UUID,
            help="a UUID: the same request under it again makes no second adjustment; new without it",
        )
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--approve", action="store_true", help="post a waiting adjustment")
        decision.add_argument("--reject", action="store_true", help="refuse a waiting adjustment")
        add_actor(parser)
        self.add_dry_run(parser, "show what would be, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Adjust, or decide about an adjustment."""
        by = get_actor(options["by"])
        is_decision = options["approve"] or options["reject"]
        if is_decision != options["target"].startswith(ADJUSTMENT_PREFIX):
            raise CommandError("--approve and --reject are for adjustments (adj-…), all else for users.", returncode=2)
        if not options["approve"]:
            check_said(options["note"], "--note")
        if is_decision == (options["amount"] is not None):
            raise CommandError("Name an amount for a user, and none for a decision.", returncode=2)
        if is_decision and (options["reason_code"] or options["ticket"] or options["key"]):
            raise CommandError(
                "A decision takes no --reason-code, --ticket or --key: it is about what was asked.", returncode=2
            )
        with rehearse() if options["dry_run"] else nullcontext():
            adjustment = self._decide(by, options) if is_decision else self._request(by, options)
            balance = wallets.get_balance(user=adjustment.user)
        return self._report(adjustment, balance, options)

    def _request(self, by: User, options: dict[str, Any]) -> CreditAdjustment:
        if options["reason_code"] is None:
            raise CommandError(f"Name a --reason-code: {', '.join(AdjustmentReason.values)}.", returncode=2)
        user = User.objects.filter(username=options["target"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['target']!r}.")
        request = AdjustmentRequest(
            user_id=user.pk,
            amount=options["amount"],
            reason_code=AdjustmentReason(options["reason_code"]),
            note=options["note"].strip()[:300],
            ticket=check_said(options["ticket"], "--ticket", ask="Name the case")[:100],
            idempotency_key=options["key"] or uuid4(),
        )
        return adjustments.request_adjustment(request=request, by=by, now=timezone.now())

    def _decide(self, by: User, options: dict[str, Any]) -> CreditAdjustment:
        adjustment = get_adjustment(reference=options["target"])
        now, note = timezone.now(), options["note"].strip()
        if options["approve"]:
            return adjustments.approve_adjustment(adjustment_id=adjustment.pk, by=by, comment=note, now=now)
        return adjustments.reject_adjustment(adjustment_id=adjustment.pk, by=by, comment=note, now=now)

    def _report(self, adjustment: CreditAdjustment, balance: Decimal, options: dict[str, Any]) -> int:
        amount = format_credits(adjustment.amount)
        if options["json"]:
            answer = {"adjustment": adjustment.reference, "state": adjustment.state, "amount": amount}
            self.print_json({**answer, "balance": format_credits(balance), "dry_run": options["dry_run"]})
            return 0
        told = f"{amount} credits for {adjustment.user.username}, whose balance"
        if options["dry_run"]:
            self.stdout.write(
                f"Would be {adjustment.state}: {told} would be {format_credits(balance)}. Nothing was changed."
            )
        else:
            self.stdout.write(f"{adjustment.reference} {adjustment.state}: {told} is {format_credits(balance)}.")
            self.stdout.write(_NEXT[AdjustmentState(adjustment.state)].format(adjustment.reference))
        return 0


def _read_amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no amount, such as 5.00 or -5.00") from error

"""Ending a review: crediting what was really paid, or dismissing it. Sending the money back is a refund as any."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from billing.services import ledger
from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, PermissionDeniedError
from namaskah.money import convert_to_credits, format_credits
from payments.gateways.paystack.mode import get_domain
from payments.lifecycles import REFUND_ENDED_WITHOUT_MONEY, PaymentState, ReviewOutcome, ReviewReason
from payments.models import Cause, Dispute, Evidence, PaymentLog, Refund, ReviewDecision
from payments.services import crediting, gateway_calls
from payments.services.evidence import SUCCESS, find_objection
from payments.services.refund_terms import check_undisputed
from payments.services.row_locks import lock_disputes, lock_payment, lock_refunds

logger = structlog.get_logger(__name__)

RESOLVE_PERMISSION: Final = "payments.resolve_review"
# What the audit log calls it.
CREDIT_ACTION: Final = "review.credit"
DISMISS_ACTION: Final = "review.dismiss"
_ACTIONS: Final = {ReviewOutcome.CREDITED: CREDIT_ACTION, ReviewOutcome.DISMISSED: DISMISS_ACTION}
_CREDITED: Final = "credited_after_review"
_OPEN: Final = (PaymentState.PENDING, PaymentState.PROCESSING)


class NotUnderReviewError(ConflictError):
    """Nobody need decide about the payment, or somebody did."""

    code = "concurrent_update"


class NotCreditableError(ConflictError):
    """What the gateway says of the payment cannot be credited."""

    code = "concurrent_update"


def credit_after_review(*, payment_id: UUID, note: str, by: User, cause: Cause, now: datetime) -> PaymentLog:
    """Credit what was really paid, rounded down to four decimals, to a payment whose amount is in doubt.

    The gateway is asked anew; fees that the payer bore are not credited. If another attempt at the same purchase
    was credited before, the payment stays under review as paid twice.

    :raises PermissionDeniedError: if `by` may not resolve reviews, or the payment is theirs.
    :raises NotUnderReviewError: if the payment is not under review, any more.
    :raises NotCreditableError: if it is under review for another reason than its amount, if the gateway does not say
        now that it was paid, or if its money is on the way back.
    :raises PaymentDisputedError: if the payer's bank claims the money back.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    _check_permission(by)
    payment = PaymentLog.objects.get(pk=payment_id)
    evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now)
    with transaction.atomic(durable=True):
        payment = lock_payment(payment_id)
        reason = _check_under_review(payment, by=by)
        check_money_stays(payment, lock_refunds(payment), lock_disputes(payment))
        before = payment.state
        amount = _find_value(payment, evidence)
        if evidence is None or not amount:
            raise NotCreditableError("Paystack does not say that anything worth a credit was paid.")
        payment.complete(evidence=evidence, credited_amount=amount, cause=cause, now=now, reason=_CREDITED)
        ledger.post_entries([crediting.entry_of(payment, cause)], now=now)
        crediting.mark_paid_twice([payment])
        PaymentLog.write([payment], now=now)
        _record(payment, reason, ReviewOutcome.CREDITED, before=before, note=note, by=by, cause=cause, now=now)
    return payment


def dismiss_review(*, payment_id: UUID, note: str, by: User, cause: Cause, now: datetime) -> PaymentLog:
    """End a review without moving any money; the same finding does not ask for another one.

    A payment that is still open is looked at by the janitor again.

    :raises PermissionDeniedError: if `by` may not resolve reviews, or the payment is theirs.
    :raises NotUnderReviewError: if the payment is not under review, any more.
    """
    _check_permission(by)
    with transaction.atomic(durable=True):
        payment = lock_payment(payment_id)
        reason = _check_under_review(payment, by=by)
        payment.review_reason = ""
        if payment.state in _OPEN:
            payment.next_check_at = now
        PaymentLog.write([payment], now=now)
        _record(payment, reason, ReviewOutcome.DISMISSED, before=payment.state, note=note, by=by, cause=cause, now=now)
    return payment


def find_value_paid(evidence: Evidence) -> int:
    """Return the subunits that were paid for credits: what was charged, without fees that the payer bore."""
    charged = evidence.amount_minor or 0
    requested = evidence.requested_amount_minor
    if requested is None or charged <= requested:
        return charged
    return max(requested, charged - (evidence.fees_minor or 0))


def _find_value(payment: PaymentLog, evidence: Evidence | None) -> Decimal:
    """Return the credits that the evidence is worth; 0 if it is about nothing that can be credited."""
    if evidence is None or evidence.status != SUCCESS:
        return Decimal(0)
    if evidence.gateway_transaction_id != payment.gateway_transaction_id:
        return Decimal(0)
    objection = find_objection(payment, evidence, domain=get_domain(settings.PAYSTACK_SECRET_KEY))
    if objection is None:
        return payment.credit_amount
    if objection not in crediting.ABOUT_THE_AMOUNT:
        return Decimal(0)
    return convert_to_credits(find_value_paid(evidence), exchange_rate=payment.exchange_rate)


def may_decide(by: User, payment: PaymentLog) -> bool:
    """Whether `by` may end a review of it: nobody decides about their own payment."""
    return by.has_perm(RESOLVE_PERMISSION) and by.pk != payment.user_id


def _check_permission(by: User) -> None:
    if not by.has_perm(RESOLVE_PERMISSION):
        raise PermissionDeniedError("You may not decide about payments under review.")


def _check_under_review(payment: PaymentLog, *, by: User) -> ReviewReason:
    if not may_decide(by, payment):
        raise PermissionDeniedError("Nobody decides about their own payment.")
    if not payment.review_reason:
        raise NotUnderReviewError(f"This payment is {payment.state} and not under review.")
    return ReviewReason(payment.review_reason)


def check_money_stays(payment: PaymentLog, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> None:
    """Refuse to credit money that is credited already, goes back, or may have to; to act on it, lock all rows.

    :raises NotCreditableError: if it was credited, its amount is not in doubt, or a refund sends it back.
    :raises PaymentDisputedError: if the payer's bank claims it back.
    """
    if payment.is_settled:
        raise NotCreditableError(f"This payment is {payment.state}: it was credited before.")
    if payment.review_reason not in crediting.ABOUT_THE_AMOUNT:
        raise NotCreditableError(
            f"It is under review for {payment.review_reason}: only a payment whose amount is in doubt can be credited."
        )
    if any(refund.state not in REFUND_ENDED_WITHOUT_MONEY for refund in refunds):
        raise NotCreditableError("A refund sends this payment's money back.")
    check_undisputed(disputes)


def _record(
    payment: PaymentLog,
    reason: ReviewReason,
    outcome: ReviewOutcome,
    *,
    before: str,
    note: str,
    by: User,
    cause: Cause,
    now: datetime,
) -> None:
    ReviewDecision.objects.create(
        payment=payment,
        review_reason=reason,
        outcome=outcome,
        note=note[:300],
        decided_by=by,
        request_id=cause.request_id,
        created_at=now,
    )
    record_action(
        by=by,
        action=_ACTIONS[outcome],
        subject=payment.reference,
        reason=note,
        before={"state": before, "review_reason": reason},
        after={
            "state": payment.state,
            "review_reason": payment.review_reason,
            "credits": format_credits(payment.credited_amount) if payment.credited_amount else None,
        },
    )
    logger.info("review_ended", payment=payment.reference, reason=reason, outcome=outcome, by=by.pk)

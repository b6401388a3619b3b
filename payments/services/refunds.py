"""Asking for a refund, and deciding about it. What the gateway does with it: `refund_submission`, `refund_reports`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from billing.lifecycles import HoldReason
from billing.services import daily_totals, holds
from namaskah.audit import independence
from namaskah.errors import ConflictError, PermissionDeniedError
from namaskah.idempotency.claims import KeyClaim
from namaskah.idempotency.models import RecoveryPoint
from namaskah.identifiers import REFUND_PREFIX, new_reference
from namaskah.money import convert_to_credits, convert_to_minor
from payments.lifecycles import RefundState, TransitionSource
from payments.models import Cause, PaymentLog, Refund
from payments.selectors.refunds import RefundNotFoundError
from payments.services import refund_audit, refund_booking
from payments.services.refund_terms import RefundTerms, check_refundable, find_rest, find_terms
from payments.services.row_locks import lock_disputes, lock_payment, lock_refunds

REQUEST_PERMISSION: Final = "payments.request_refund"
APPROVE_PERMISSION: Final = "payments.approve_refund"


class RefundKeyReusedError(ConflictError):
    """The key was used for another refund."""

    code = "concurrent_update"


class RefundNotWaitingError(ConflictError):
    """The refund was decided before."""

    code = "concurrent_update"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What is asked for: `amount_usd` (two decimals) of the payment, or all that is left of it."""

    payment_id: UUID
    amount_usd: Decimal | None
    reason: str
    idempotency_key: UUID


def request_refund(
    *, request: RefundRequest, by: User, cause: Cause, now: datetime, claim: KeyClaim | None = None
) -> Refund:
    """Hold the credits and record a refund; unless another person must approve it, queue it for the gateway.

    The same person's same key gives the refund that it made. `amount_usd` is converted at the rate
    of the payment; partial refunds may add up to what was paid (https://paystack.com/docs/payments/refunds).
    Above REFUND_APPROVAL_USD, alone or with what `by` had sent back or adjusted within 24 hours, another person must
    approve.

    :raises PermissionDeniedError: if `by` may not ask for refunds, or asks for that of their own payment as one of the
        staff; customers who have the permission may over HTTP.
    :raises RefundKeyReusedError: if `by` used the key for another refund.
    :raises PaymentNotRefundableError: if no money of the payment arrived, or all of it went back.
    :raises PaymentDisputedError: if the payer's bank claims the money back.
    :raises RefundExceedsPaymentError: if less is left of the payment.
    :raises InsufficientCreditsError: if the credits are already spent.
    """
    if not by.has_perm(REQUEST_PERMISSION):
        raise PermissionDeniedError("You may not ask for refunds.")
    with transaction.atomic(durable=True):
        payment = lock_payment(request.payment_id)
        if is_own(payment, by=by, source=cause.source):
            raise PermissionDeniedError("Nobody sends back what they paid themselves: a colleague must ask for it.")
        refunds = lock_refunds(payment)
        made = Refund.objects.filter(requested_by=by, idempotency_key=request.idempotency_key).first()
        if made is not None:
            return _check_same(made, payment, refunds, request)
        check_refundable(payment, lock_disputes(payment))
        terms = find_terms(payment, refunds, amount_usd=request.amount_usd)
        refund = _create(payment, terms, request, by=by, cause=cause, now=now)
        refund_audit.record_request(refund, payment, by=by)
        if claim is not None:
            claim.advance(RecoveryPoint.REFUND_CREATED, resource=refund.reference)
    return refund


def approve_refund(*, refund_id: UUID, by: User, comment: str = "", cause: Cause, now: datetime) -> Refund:
    """Let a waiting refund go to the gateway.

    :raises PermissionDeniedError: if `by` may not approve, or asked for it, or owns the payment, or is bound to whoever
        asked (namaskah.audit.independence).
    :raises RefundNotFoundError: if there is none.
    :raises RefundNotWaitingError: if it was decided before.
    :raises PaymentNotRefundableError: if the payment has been refunded meanwhile.
    :raises PaymentDisputedError: if the payer's bank claims the money back meanwhile.
    """
    with transaction.atomic(durable=True):
        refund, payment = _lock_waiting(refund_id, by=by, now=now)
        # What was refundable when it was asked for may be disputed now.
        check_refundable(payment, lock_disputes(payment))
        refund_booking.book(refund, payment, cause=cause, now=now)
        refund.decided_by_id, refund.decided_at, refund.decision_comment = by.pk, now, comment[:300]
        before = refund.state
        refund.approve(cause=cause, reason="approved", now=now)
        Refund.write([refund], now=now)
        refund_audit.record_decision(refund, payment, by=by, action="refund.approve", before=before, reason=comment)
    return refund


def reject_refund(*, refund_id: UUID, by: User, reason: str, cause: Cause, now: datetime) -> Refund:
    """Refuse a waiting refund and give the held credits back.

    :raises PermissionDeniedError: as `approve_refund` does.
    :raises RefundNotFoundError: if there is none.
    :raises RefundNotWaitingError: if it was decided before.
    """
    with transaction.atomic(durable=True):
        refund, payment = _lock_waiting(refund_id, by=by, now=now)
        refund_booking.give_back(refund, payment, cause=cause, now=now)
        refund.decided_by_id, refund.decided_at, refund.decision_comment = by.pk, now, reason[:300]
        before = refund.state
        refund.reject(cause=cause, now=now)
        Refund.write([refund], now=now)
        refund_audit.record_decision(refund, payment, by=by, action="refund.reject", before=before, reason=reason)
    return refund


def may_decide(by: User, refund: Refund) -> bool:
    """Whether `by` may decide about it: a second person, neither who asked nor whose payment it is."""
    return by.has_perm(APPROVE_PERMISSION) and is_second_person(by, refund, refund.payment)


def is_second_person(by: User, refund: Refund, payment: PaymentLog) -> bool:
    """Whether `by` is neither who asked for the refund nor whose payment it is."""
    return by.pk not in {refund.requested_by_id, payment.user_id}


def is_own(payment: PaymentLog, *, by: User, source: str) -> bool:
    """Whether a member of the staff would send back their own payment, be it with a key of theirs."""
    is_at_work = by.is_staff or by.is_superuser or source == TransitionSource.ADMIN
    return bool(payment.user_id == by.pk and is_at_work)


def needs_approval(payment: PaymentLog, terms: RefundTerms, *, by: User, now: datetime) -> bool:
    """Whether a second person must agree to send so much back.

    What `by` sent back or adjusted alone within 24 hours counts, and what anybody sent back alone of this payment.

    The person's next request waits until the caller's transaction ends: two at once would overlook each other.
    """
    daily_totals.lock_person(by)
    since = now - daily_totals.DAY
    # Nor does it help to ask two people for a half each.
    sent = _sum_sent_alone(Q(requested_by=by, created_at__gt=since) | Q(payment=payment))
    adjusted = daily_totals.sum_adjusted_alone(by=by, since=since)
    return bool(_find_worth(payment, terms) + sent + adjusted > settings.REFUND_APPROVAL_USD)


def sum_sent_alone(*, by: User, since: datetime) -> Decimal:
    """Return what `by` sent back after `since` without a second person, in dollars."""
    return _sum_sent_alone(Q(requested_by=by, created_at__gt=since))


def _sum_sent_alone(is_counted: Q) -> Decimal:
    alone = Refund.objects.filter(is_counted, needs_approval=False, requested_by__isnull=False)
    return sum((_find_worth(refund.payment, refund) for refund in alone.select_related("payment")), Decimal(0))


def _find_worth(payment: PaymentLog, terms: RefundTerms | Refund) -> Decimal:
    """Return what goes back in dollars, be it from a wallet or money that was never credited."""
    worth = convert_to_credits(terms.amount_minor, exchange_rate=payment.exchange_rate)
    return max(worth, terms.credit_amount)


def _check_same(made: Refund, payment: PaymentLog, refunds: Sequence[Refund], request: RefundRequest) -> Refund:
    is_same = made.payment_id == payment.pk
    if request.amount_usd is None:
        # All that was left then, which is not all that is left now.
        earlier = [refund for refund in refunds if refund.pk < made.pk]
        is_same &= made.amount_minor == find_rest(payment, earlier)[0]
    else:
        wanted_minor = convert_to_minor(request.amount_usd, exchange_rate=payment.exchange_rate)
        is_same &= request.amount_usd == made.credit_amount or wanted_minor == made.amount_minor
    if not is_same:
        raise RefundKeyReusedError(f"This key made another refund, {made.reference}; nothing was changed now.")
    return made


def _create(
    payment: PaymentLog, terms: RefundTerms, request: RefundRequest, *, by: User, cause: Cause, now: datetime
) -> Refund:
    is_waiting = needs_approval(payment, terms, by=by, now=now)
    refund = Refund(
        payment=payment,
        reference=new_reference(REFUND_PREFIX),
        idempotency_key=request.idempotency_key,
        amount_minor=terms.amount_minor,
        credit_amount=terms.credit_amount,
        reason=request.reason,
        requested_by=by,
        needs_approval=is_waiting,
        state=RefundState.AWAITING_APPROVAL if is_waiting else RefundState.APPROVED,
        next_check_at=None if is_waiting else now,
        created_at=now,
        updated_at=now,
    )
    if terms.credit_amount:
        refund.hold = holds.place_hold(
            user_id=payment.user_id,
            amount=terms.credit_amount,
            reason=HoldReason.REFUND,
            reference=refund.reference,
            now=now,
        )
    if not is_waiting:
        refund_booking.book(refund, payment, cause=cause, now=now)
    refund.record_birth(cause=cause, reason="requested", now=now)
    refund.save()
    return refund


def _lock_waiting(refund_id: UUID, *, by: User, now: datetime) -> tuple[Refund, PaymentLog]:
    if not by.has_perm(APPROVE_PERMISSION):
        raise PermissionDeniedError("You may not decide about refunds.")
    found = Refund.objects.filter(pk=refund_id).values_list("payment_id", flat=True).first()
    if found is None:
        raise RefundNotFoundError("There is no such refund.")
    payment = lock_payment(found)
    refund = next(refund for refund in lock_refunds(payment) if refund.pk == refund_id)
    if refund.state != RefundState.AWAITING_APPROVAL:
        raise RefundNotWaitingError(f"This refund is {refund.state}: it was decided before.")
    if not is_second_person(by, refund, payment):
        raise PermissionDeniedError("You asked for this refund, or the payment is yours: another person must decide.")
    independence.check_independent(asker=refund.requested_by, decider=by, now=now)
    return refund, payment

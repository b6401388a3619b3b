"""Manual credits and debits: a person gives or takes credits by hand, and above a threshold a second one agrees."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import User

from billing.lifecycles import ACCOUNT_OF_ADJUSTMENT, AdjustmentReason, AdjustmentState, TransactionType
from billing.models import CreditAdjustment, Transaction
from billing.selectors.adjustments import AdjustmentNotFoundError
from billing.services import daily_totals, ledger
from billing.services.debits import UserNotFoundError
from billing.services.ledger import Entry, InsufficientCreditsError
from namaskah.audit import independence
from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, PermissionDeniedError, RuleViolationError
from namaskah.identifiers import ADJUSTMENT_PREFIX, new_reference
from namaskah.money import CREDIT_PLACES, format_credits
from namaskah.transactions import run_transaction

logger = structlog.get_logger(__name__)

REQUEST_PERMISSION: Final = "billing.request_adjustment"
APPROVE_PERMISSION: Final = "billing.approve_adjustment"
LARGEST: Final = Decimal("10000.0000")


class AdjustmentNotWaitingError(ConflictError):
    """The adjustment was decided before."""

    code = "concurrent_update"


class AdjustmentKeyReusedError(ConflictError):
    """The key was used for another adjustment."""

    code = "concurrent_update"


class AdjustmentAmountError(RuleViolationError):
    """The amount is nothing, too large, or finer than credits are."""

    code = "validation_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRequest:
    """What is asked for: `amount` credits, given if positive and taken if negative; `ticket` names the case."""

    user_id: int
    amount: Decimal
    reason_code: AdjustmentReason
    note: str
    ticket: str
    idempotency_key: UUID


def may_adjust(by: User, *, user_id: int) -> bool:
    """Whether `by` may adjust this customer's wallet: nobody adjusts their own."""
    return by.has_perm(REQUEST_PERMISSION) and by.pk != user_id


def may_decide(by: User, adjustment: CreditAdjustment) -> bool:
    """Whether `by` may decide about it: a second person, neither who asked nor whose wallet it is."""
    return by.has_perm(APPROVE_PERMISSION) and _is_second_person(by, adjustment)


def request_adjustment(
    *, request: AdjustmentRequest, by: User, request_id: str = "", now: datetime
) -> CreditAdjustment:
    """Adjust a wallet at once, or, if a second person must agree, write down that it is asked for.

    A second person must agree above MANUAL_CREDIT_APPROVAL_USD, and once what `by` has adjusted or sent back alone
    within 24 hours comes to more than that. The same person's same key gives the adjustment that it made.

    :raises PermissionDeniedError: if `by` may not ask for adjustments, or asks for their own wallet.
    :raises AdjustmentAmountError: if the amount is nothing, beyond LARGEST, or has more than four decimals.
    :raises UserNotFoundError: if there is no such user.
    :raises InsufficientCreditsError: if more is to be taken than is available.
    :raises AdjustmentKeyReusedError: if `by` used the key for another adjustment.
    """
    _check_request(request, by=by)

    def work() -> CreditAdjustment:
        daily_totals.lock_person(by)
        made = CreditAdjustment.objects.filter(requested_by=by, idempotency_key=request.idempotency_key).first()
        if made is not None:
            return _check_same(made, request)
        return _create(request, by=by, request_id=request_id, now=now)

    return run_transaction(work)


def approve_adjustment(*, adjustment_id: UUID, by: User, comment: str = "", now: datetime) -> CreditAdjustment:
    """Post an adjustment that waits for a second person.

    :raises PermissionDeniedError: if `by` may not approve, or asked for it, or it is about their own wallet, or is no
        second person beside whoever asked (namaskah.audit.independence).
    :raises AdjustmentNotFoundError: if there is none.
    :raises AdjustmentNotWaitingError: if it was decided before.
    :raises InsufficientCreditsError: if what is to be taken is no longer there.
    """

    def work() -> CreditAdjustment:
        adjustment = _lock_waiting(adjustment_id, by=by, now=now)
        adjustment.ledger_entry = _post(adjustment, now=now)
        return _decide(adjustment, AdjustmentState.POSTED, by=by, comment=comment, now=now)

    return run_transaction(work)


def reject_adjustment(*, adjustment_id: UUID, by: User, comment: str, now: datetime) -> CreditAdjustment:
    """Refuse an adjustment that waits for a second person; no credits move.

    :raises PermissionDeniedError: as `approve_adjustment` does.
    :raises AdjustmentNotFoundError: if there is none.
    :raises AdjustmentNotWaitingError: if it was decided before.
    """

    def work() -> CreditAdjustment:
        adjustment = _lock_waiting(adjustment_id, by=by, now=now)
        return _decide(adjustment, AdjustmentState.REJECTED, by=by, comment=comment, now=now)

    return run_transaction(work)


def _check_request(request: AdjustmentRequest, *, by: User) -> None:
    if not by.has_perm(REQUEST_PERMISSION):
        raise PermissionDeniedError("You may not adjust wallets.")
    if request.user_id == by.pk:
        raise PermissionDeniedError("Nobody adjusts their own wallet.")
    amount = request.amount
    if not amount.is_finite() or not amount or abs(amount) > LARGEST or amount != amount.quantize(CREDIT_PLACES):
        raise AdjustmentAmountError(
            f"The amount must be from 0.0001 to {format_credits(LARGEST)} credits, with four decimals at most."
        )
    if not User.objects.filter(pk=request.user_id).exists():
        raise UserNotFoundError(f"There is no user {request.user_id}.")


def _check_same(made: CreditAdjustment, request: AdjustmentRequest) -> CreditAdjustment:
    if (made.user_id, made.amount, made.reason_code) != (request.user_id, request.amount, request.reason_code):
        raise AdjustmentKeyReusedError(f"This key made another adjustment, {made.reference}; nothing was changed now.")
    return made


def _create(request: AdjustmentRequest, *, by: User, request_id: str, now: datetime) -> CreditAdjustment:
    alone = daily_totals.sum_moved_alone(by=by, since=now - daily_totals.DAY)
    is_waiting = bool(abs(request.amount) + alone > settings.MANUAL_CREDIT_APPROVAL_USD)
    adjustment = CreditAdjustment(
        user_id=request.user_id,
        reference=new_reference(ADJUSTMENT_PREFIX),
        idempotency_key=request.idempotency_key,
        amount=request.amount,
        reason_code=request.reason_code,
        note=request.note,
        ticket=request.ticket,
        requested_by=by,
        needs_approval=is_waiting,
        state=AdjustmentState.AWAITING_APPROVAL if is_waiting else AdjustmentState.POSTED,
        request_id=request_id,
        created_at=now,
    )
    if is_waiting:
        _check_available(adjustment, now=now)
    else:
        adjustment.ledger_entry = _post(adjustment, now=now)
    adjustment.save(force_insert=True)
    record_action(
        by=by,
        action="adjustment.request",
        subject=adjustment.user.get_username(),
        reason=f"{request.ticket}: {request.note}",
        after=_describe(adjustment),
    )
    logger.info("adjustment_requested", adjustment=adjustment.reference, by=by.pk, needs_approval=is_waiting)
    return adjustment


def _check_available(adjustment: CreditAdjustment, *, now: datetime) -> None:
    """Refuse at once what could not be posted either; when it is approved, it is looked at again."""
    wallet = ledger.lock_wallets([adjustment.user_id], now=now)[adjustment.user_id]
    if -adjustment.amount > wallet.available:
        raise InsufficientCreditsError(f"The wallet has only {format_credits(wallet.available)} available.")


def _post(adjustment: CreditAdjustment, *, now: datetime) -> Transaction:
    entry = Entry(
        user_id=adjustment.user_id,
        type=TransactionType.ADJUSTMENT,
        amount=adjustment.amount,
        counter_account=ACCOUNT_OF_ADJUSTMENT[AdjustmentReason(adjustment.reason_code)],
        reference=adjustment.reference,
        idempotency_key=adjustment.pk,
        # What the customer reads; the note is between members of the staff.
        description="Credits added by support" if adjustment.amount > 0 else "Credits taken back by support",
        created_by_id=adjustment.requested_by_id,
        request_id=adjustment.request_id,
    )
    return ledger.post_entries([entry], now=now)[0]


def _lock_waiting(adjustment_id: UUID, *, by: User, now: datetime) -> CreditAdjustment:
    if not by.has_perm(APPROVE_PERMISSION):
        raise PermissionDeniedError("You may not decide about adjustments.")
    locking = CreditAdjustment.objects.select_for_update(no_key=True).filter(pk=adjustment_id)
    if not locking.values_list("pk"):
        raise AdjustmentNotFoundError("There is no such adjustment.")
    adjustment = CreditAdjustment.objects.get(pk=adjustment_id)
    if adjustment.state != AdjustmentState.AWAITING_APPROVAL:
        raise AdjustmentNotWaitingError(f"This adjustment is {adjustment.state}: it was decided before.")
    if not _is_second_person(by, adjustment):
        raise PermissionDeniedError(
            "You asked for this adjustment, or it is about your own wallet: another must decide."
        )
    independence.check_independent(asker=adjustment.requested_by, decider=by, now=now)
    return adjustment


def _is_second_person(by: User, adjustment: CreditAdjustment) -> bool:
    return by.pk not in {adjustment.requested_by_id, adjustment.user_id}


def _decide(
    adjustment: CreditAdjustment, state: AdjustmentState, *, by: User, comment: str, now: datetime
) -> CreditAdjustment:
    adjustment.state = state
    adjustment.decided_by, adjustment.decided_at, adjustment.decision_comment = by, now, comment[:300]
    adjustment.save(update_fields=["state", "ledger_entry", "decided_by", "decided_at", "decision_comment"])
    record_action(
        by=by,
        action="adjustment.approve" if state == AdjustmentState.POSTED else "adjustment.reject",
        subject=adjustment.user.get_username(),
        reason=comment,
        after=_describe(adjustment),
    )
    logger.info("adjustment_decided", adjustment=adjustment.reference, by=by.pk, state=state)
    return adjustment


def _describe(adjustment: CreditAdjustment) -> dict[str, str]:
    """Return what the audit log keeps of it."""
    return {
        "reference": adjustment.reference,
        "amount": format_credits(adjustment.amount),
        "reason_code": adjustment.reason_code,
        "state": adjustment.state,
    }

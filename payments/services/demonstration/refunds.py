"""Refunds and disputes of made-up payments, in every state."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from billing.lifecycles import CounterAccount, TransactionType
from billing.services import ledger
from billing.services.ledger import Entry
from payments.gateways.paystack.disputes import RESOLVED, DisputeReport
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import RefundState, TransitionSource
from payments.models import Cause, GatewayOutcome, PaymentLog, Refund
from payments.services import disputes, refund_reports, refunds
from payments.services.demonstration.gateway import store_call, store_event, write_time
from payments.services.demonstration.plan import Purchase, make_key
from payments.services.refunds import RefundRequest
from payments.services.row_locks import lock_payment, lock_refunds

_BY_STAFF: Final = Cause(source=TransitionSource.ADMIN)
_BY_WORKER: Final = Cause(source=TransitionSource.WORKER)
_BY_EVENT: Final = Cause(source=TransitionSource.WEBHOOK)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_REASONS: Final = (
    "The customer bought by mistake and has not used the credits.",
    "Bought twice within a minute; the customer wants one of them back.",
    "The messages were never delivered.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who asks, who decides, and whose software spends credits."""

    asks: User
    decides: User
    software: User


def follow(payment: PaymentLog, purchase: Purchase, team: Team, *, now: datetime) -> None:
    """Let happen what was planned for the payment's money."""
    story = _STORIES.get(purchase.story)
    if story is not None:
        story(payment, team, now)


def spend(payment: PaymentLog, *, share: Decimal, by: User, at: datetime) -> None:
    """Let the customer send messages for a share of the credits."""
    amount = ((payment.credited_amount or Decimal(0)) * share).quantize(Decimal("0.01"))
    entry = Entry(
        user_id=payment.user_id,
        type=TransactionType.DEBIT,
        amount=-amount,
        counter_account=CounterAccount.REVENUE_SMS,
        reference=f"sms-{payment.reference[-12:]}",
        idempotency_key=make_key(f"messages {payment.pk}"),
        service="sms",
        description="Messages sent",
        created_by_id=by.pk,
    )
    with transaction.atomic():
        ledger.post_entries([entry], now=at)


def _ask(payment: PaymentLog, team: Team, *, amount_usd: Decimal | None = None) -> Refund:
    request = RefundRequest(
        payment_id=payment.pk,
        amount_usd=amount_usd,
        reason=_REASONS[payment.amount_minor // 100 % len(_REASONS)],
        idempotency_key=make_key(f"refund {payment.pk}"),
    )
    at = payment.created_at + 5 * _HOUR
    return refunds.request_refund(request=request, by=team.asks, cause=_BY_STAFF, now=at)


def _ask_and_agree(payment: PaymentLog, team: Team, *, amount_usd: Decimal | None = None) -> Refund:
    refund = _ask(payment, team, amount_usd=amount_usd)
    if refund.state != RefundState.AWAITING_APPROVAL:
        return refund
    at = refund.created_at + _HOUR
    comment = "Agreed with the customer."
    return refunds.approve_refund(refund_id=refund.pk, by=team.decides, comment=comment, cause=_BY_STAFF, now=at)


def _send(refund: Refund, status: str, *, now: datetime) -> None:
    """Let Paystack take the refund, and say how far it is."""
    at = refund.updated_at + timedelta(seconds=5)
    with transaction.atomic():
        number = int(at.timestamp() * 1_000_000)
        payment, current = _start(refund, at=at, number=number)
        report = RefundReport(
            refund_id=number,
            status=status,
            amount_minor=refund.amount_minor,
            currency=payment.currency,
            transaction_id=payment.gateway_transaction_id,
            merchant_note=refund.reference,
            created_at=at,
        )
        refund_reports.accept(current, payment, report, reason="submitted", cause=_BY_WORKER, now=at + 2 * _HOUR)
        if current.next_check_at is not None:
            current.next_check_at = now + 6 * _HOUR
        Refund.write([current], now=at + 2 * _HOUR)
    _tell_of_refund(payment, refund, status, at=at + 2 * _HOUR)


def _start(refund: Refund, *, at: datetime, number: int | None = None) -> tuple[PaymentLog, Refund]:
    """Note that the refund is being sent; without the number that Paystack gave it, that no answer came."""
    payment = lock_payment(refund.payment_id)
    current = next(found for found in lock_refunds(payment) if found.pk == refund.pk)
    current.start_submitting(cause=_BY_WORKER, now=at)
    Refund.write([current], now=at)
    store_call(
        "refund",
        payment=payment,
        reference=payment.reference,
        at=at,
        request={"amount_minor": refund.amount_minor, "merchant_note": refund.reference},
        answer={"status": True, "data": {"id": number, "status": "pending"}} if number else None,
        outcome=GatewayOutcome.ANSWERED if number else GatewayOutcome.UNKNOWN,
        error_code="" if number else "gateway_outcome_unknown",
        error="" if number else "The connection broke while the answer was read.",
    )
    return payment, current


def _tell_of_refund(payment: PaymentLog, refund: Refund, status: str, *, at: datetime) -> None:
    content = {
        "status": status,
        "transaction_reference": payment.reference,
        "amount": refund.amount_minor,
        "currency": payment.currency,
        "domain": "test",
        "customer": {"email": payment.email},
    }
    store_event(f"refund.{status}", content, reference=payment.reference, at=at, payment=payment)


def _leave_waiting(payment: PaymentLog, team: Team, _now: datetime) -> None:
    _ask(payment, team)


def _leave_unsent(payment: PaymentLog, team: Team, now: datetime) -> None:
    refund = _ask(payment, team)
    with transaction.atomic():
        current = next(found for found in lock_refunds(lock_payment(payment.pk)) if found.pk == refund.pk)
        current.next_check_at = now + 20 * _HOUR
        Refund.write([current], now=refund.created_at)


def _leave_unknown(payment: PaymentLog, team: Team, now: datetime, *, is_known_lost: bool) -> None:
    """Leave a refund of which nobody knows whether Paystack has it; the worker looks for it an hour from now."""
    refund = _ask(payment, team)
    at = now - timedelta(minutes=4)
    with transaction.atomic():
        _, current = _start(refund, at=at)
        current.next_check_at = now + _HOUR
        if is_known_lost:
            current.lose_sight(cause=_BY_WORKER, now=at + timedelta(seconds=20))
        Refund.write([current], now=at + timedelta(seconds=20))


def _reject(payment: PaymentLog, team: Team, _now: datetime) -> None:
    refund = _ask(payment, team)
    refunds.reject_refund(
        refund_id=refund.pk,
        by=team.decides,
        reason="The credits were used for two weeks.",
        cause=_BY_STAFF,
        now=refund.created_at + 3 * _HOUR,
    )


def _dispute(
    payment: PaymentLog,
    *,
    opened_at: datetime,
    due_at: datetime,
    resolution: str = "",
    resolved_at: datetime | None = None,
) -> None:
    """Let the payer's bank claim the money back, and, with a resolution, decide."""
    number = _number_of(opened_at)
    report = DisputeReport(
        dispute_id=number,
        status="awaiting-merchant-feedback",
        resolution="",
        category="chargeback",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=payment.reference,
        due_at=due_at,
        resolved_at=None,
    )
    disputes.follow_report(report, payment_id=payment.pk, evidence=None, cause=_BY_EVENT, now=opened_at)
    content = {"id": number, "status": report.status, "transaction": {"reference": payment.reference}, "domain": "test"}
    content["dueAt"] = write_time(due_at)
    store_event("charge.dispute.create", content, reference=payment.reference, at=opened_at, payment=payment)
    if resolved_at is not None:
        decided = replace(report, status=RESOLVED, resolution=resolution, resolved_at=resolved_at)
        disputes.follow_report(decided, payment_id=payment.pk, evidence=None, cause=_BY_EVENT, now=resolved_at)


def _number_of(opened_at: datetime) -> int:
    return int(opened_at.timestamp() * 1_000)


def _note_look(number: int, *, now: datetime) -> None:
    answer = {"status": True, "message": "Dispute retrieved", "data": {"id": number}}
    store_call("fetch_dispute", payment=None, reference="", at=now, request={"dispute": number}, answer=answer)


def _refund(payment: PaymentLog, team: Team, now: datetime, *, status: str, share: int = 1) -> None:
    amount = None if share == 1 else payment.amount_usd / share
    _send(_ask_and_agree(payment, team, amount_usd=amount), status, now=now)


def _refund_and_dispute(payment: PaymentLog, team: Team, now: datetime) -> None:
    """Let the money go back by a refund, and once more by the payer's bank."""
    _refund(payment, team, now, status="processed")
    _open_and_decide(payment, team, now, resolution="merchant-accepted")


def _open_and_decide(
    payment: PaymentLog, team: Team, now: datetime, *, resolution: str, spent: Decimal = Decimal(0)
) -> None:
    opened_at = payment.created_at + 3 * _DAY
    if spent:
        spend(payment, share=spent, by=team.software, at=opened_at - _HOUR)
    resolved_at = opened_at + 3 * _DAY
    _dispute(payment, opened_at=opened_at, due_at=now + 9 * _DAY, resolution=resolution, resolved_at=resolved_at)


def _leave_odd(payment: PaymentLog, team: Team, now: datetime) -> None:
    """Let the dispute be resolved in a way that nobody foresaw."""
    _open_and_decide(payment, team, now, resolution="under-arbitration")
    _note_look(_number_of(payment.created_at + 3 * _DAY), now=now)


def _leave_disputed(payment: PaymentLog, _team: Team, now: datetime, *, due: timedelta) -> None:
    opened_at = payment.created_at + 4 * _DAY
    _dispute(payment, opened_at=opened_at, due_at=now + due)
    _note_look(_number_of(opened_at), now=now)


_Story = Callable[[PaymentLog, Team, datetime], None]
_STORIES: Final[dict[str, _Story]] = {
    "refund_waiting": _leave_waiting,
    "refund_approved": _leave_unsent,
    "refund_submitting": partial(_leave_unknown, is_known_lost=False),
    "refund_unknown": partial(_leave_unknown, is_known_lost=True),
    "refund_submitted": partial(_refund, status="processing"),
    "refund_needs_attention": partial(_refund, status="needs-attention"),
    "refund_processed": partial(_refund, status="processed"),
    "refund_in_part": partial(_refund, status="processed", share=4),
    "refund_failed": partial(_refund, status="failed"),
    "refund_rejected": _reject,
    "sent_back_twice": _refund_and_dispute,
    "dispute_soon": partial(_leave_disputed, due=30 * _HOUR),
    "dispute_later": partial(_leave_disputed, due=6 * _DAY),
    "dispute_odd": _leave_odd,
    "dispute_lost": partial(_open_and_decide, resolution="merchant-accepted"),
    "dispute_lost_spent": partial(_open_and_decide, resolution="auto-accepted", spent=Decimal("0.6")),
    "dispute_won": partial(_open_and_decide, resolution="declined"),
}

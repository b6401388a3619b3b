"""Payments in every state that a payment can come to, made by the product's own steps against the sandbox."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from payments.lifecycles import EventStatus, PaymentState, ReviewReason
from payments.models import Dispute, PaymentLog, Refund
from payments.services import janitor, refund_submission, webhooks
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, PaymentFactory, WebhookEventFactory
from tests.factories.refunds import ReconciliationBreakFactory, request
from tests.factories.users import StaffFactory
from tests.unit.payments.services import reviewing, told_events

Case = Callable[[Any, Any], PaymentLog]

_ODD: Final = {
    ReviewReason.AMOUNT_MISMATCH: {"asked_minor": 2_000_000},
    ReviewReason.PARTIAL_DEBIT: {"amount_minor": 2_000_000},
    ReviewReason.OVERPAID: {"amount_minor": 5_000_000, "fees_minor": 0},
}
_OF_CREDITED: Final = (ReviewReason.PAID_TWICE, ReviewReason.SENT_BACK_TWICE)


def pending(_sandbox: Any, _settings: Any) -> PaymentLog:
    return PaymentFactory()


def processing(_sandbox: Any, _settings: Any) -> PaymentLog:
    return told_events.buy()


def waiting_event(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.pay(sandbox, payment)
    return payment


def completed(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.pay(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def failed(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.decline(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def never_reached(_sandbox: Any, _settings: Any) -> PaymentLog:
    payment = PaymentFactory()
    janitor.check_payment(payment_id=payment.pk, now=timezone.now())
    return payment


def refunded(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    sandbox.pay(payment.reference)
    made, _ = sandbox.request_refund(payment.reference, amount_minor=None, currency=None)
    sandbox.move_refund(made.id, "processed")
    told_events.tell(sandbox, payment.reference, "refund.processed")
    webhooks.drain_inbox()
    return payment


def partly_refunded(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.refund(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def refund_needs_attention(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.refund(sandbox, payment, status="needs-attention")
    webhooks.drain_inbox()
    return payment


def refund_waits(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    settings.REFUND_APPROVAL_USD = Decimal(0)
    request(payment, "10", by=StaffFactory())
    return payment


def whole_refund_approved(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    request(payment, by=StaffFactory())
    return payment


def refund_submitted(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    refund_submission.submit_refund(refund_id=request(payment, "10").pk, cause=CAUSE, now=timezone.now())
    return payment


def refund_unknown(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    sandbox.script(operation="refund", fault="reset_after_accept")
    refund_submission.submit_refund(refund_id=request(payment, "10").pk, cause=CAUSE, now=timezone.now())
    return payment


def refund_failed(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    sandbox.script(operation="refund", fault="rejected", code="insufficient_balance", message="Balance too low")
    refund_submission.submit_refund(refund_id=request(payment, "10").pk, cause=CAUSE, now=timezone.now())
    assert Refund.objects.get().state == "failed"
    return payment


def disputed(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    open_dispute(sandbox, payment)
    return payment


def dispute_lost(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    resolve(sandbox, open_dispute(sandbox, payment), "merchant-accepted")
    return payment


def dispute_won(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    resolve(sandbox, open_dispute(sandbox, payment), "declined")
    assert Dispute.objects.get().state == "won"
    return payment


def dead_letter(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    told_events.bury(told_events.pay(sandbox, payment))
    return payment


def dead_letter_of_credited(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    told_events.bury(WebhookEventFactory(reference=payment.reference, event_type="refund.processed"))
    return payment


def quarantined(_sandbox: Any, _settings: Any) -> PaymentLog:
    payment = told_events.buy()
    WebhookEventFactory(
        reference=payment.reference, status=EventStatus.QUARANTINED, error_class="wrong_domain", next_attempt_at=None
    )
    return payment


def differing_books(sandbox: Any, settings: Any) -> PaymentLog:
    payment = completed(sandbox, settings)
    ReconciliationBreakFactory(payment=payment, subject=payment.reference)
    return payment


def under_review(reason: ReviewReason, state: PaymentState) -> Case:
    """Return how a payment in that state comes under review for that reason."""

    def make(sandbox: Any, settings: Any) -> PaymentLog:
        if reason in _ODD:
            return _make_odd(sandbox, state, _ODD[reason])
        payment = {PaymentState.COMPLETED: completed, PaymentState.FAILED: failed}.get(state, processing)
        return reviewing.plant(PaymentLog.objects.get(pk=payment(sandbox, settings).pk), review_reason=reason)

    return make


def _make_odd(sandbox: Any, state: PaymentState, odd: dict[str, int]) -> PaymentLog:
    payment = reviewing.pay_oddly(sandbox, **odd)
    if state == PaymentState.FAILED:
        payment.fail(code="gateway_failed", message="Declined", cause=CAUSE, now=timezone.now())
        reviewing.plant(payment)
    reviewing.hear(payment)
    return payment


def disputed_under_review(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = reviewing.review(sandbox)
    open_dispute(sandbox, payment)
    return payment


def refunded_under_review(sandbox: Any, _settings: Any) -> PaymentLog:
    payment = reviewing.review(sandbox)
    request(payment, "5")
    return payment


STATES: Final[dict[str, Case]] = {
    make.__name__: make
    for make in (
        pending,
        processing,
        waiting_event,
        completed,
        failed,
        never_reached,
        refunded,
        partly_refunded,
        refund_needs_attention,
        refund_waits,
        whole_refund_approved,
        refund_submitted,
        refund_unknown,
        refund_failed,
        disputed,
        dispute_lost,
        dispute_won,
        dead_letter,
        dead_letter_of_credited,
        quarantined,
        differing_books,
        disputed_under_review,
        refunded_under_review,
    )
}
REVIEWS: Final[dict[str, Case]] = {
    f"{state}, {reason}": under_review(reason, state)
    for reason in ReviewReason
    for state in (
        [PaymentState.COMPLETED] if reason in _OF_CREDITED else [PaymentState.PROCESSING, PaymentState.FAILED]
    )
}

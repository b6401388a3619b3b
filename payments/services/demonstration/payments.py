"""Made-up payments, taken through the product's own steps at the times that were planned."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from billing.selectors.exchange_rates import BASE_CURRENCY
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from namaskah.money import CREDIT_PLACES, convert_to_minor
from payments.gateways.paystack.parsing import read_evidence
from payments.lifecycles import EventStatus, ReviewReason, TransitionSource
from payments.models import Cause, GatewayOutcome, PaymentLog
from payments.services import crediting, janitor
from payments.services.crediting import CreditRequest
from payments.services.demonstration import plan
from payments.services.demonstration.gateway import describe_charge, store_call, store_event, store_failed_attempts
from payments.services.demonstration.people import RATES
from payments.services.demonstration.plan import Purchase, make_id_at

BY_CLIENT: Final = Cause(source=TransitionSource.API)
BY_EVENT: Final = Cause(source=TransitionSource.WEBHOOK)
BY_JANITOR: Final = Cause(source=TransitionSource.JANITOR)
_SOON: Final = timedelta(seconds=2)
_THREE_DAYS: Final = timedelta(days=3)
# Long enough for whoever looks at the demonstration to come first.
_LOOKED_AT_AFTER: Final = timedelta(hours=20)
_REFUSED: Final = "Paystack refuses this currency for this account."


def make_payment(purchase: Purchase, user: User, *, now: datetime) -> PaymentLog:
    """Make one purchase and let happen what was planned for it."""
    with transaction.atomic():
        payment = _begin(purchase, user)
        if purchase.story == plan.REJECTED:
            _reject(payment, at=purchase.begun_at + _SOON)
        elif purchase.story == plan.NEVER_REACHED:
            _lose(payment, at=purchase.begun_at + _SOON)
        elif purchase.story == plan.PENDING:
            _call_initialize(payment, GatewayOutcome.UNKNOWN, error_code="gateway_outcome_unknown")
            _write(payment, at=purchase.begun_at + _SOON, next_check_at=now + _LOOKED_AT_AFTER)
        else:
            _open_checkout(payment, at=purchase.begun_at + _SOON)
            _STORIES.get(purchase.story, _pay)(payment, purchase, now)
    return PaymentLog.objects.get(pk=payment.pk)


def make_new_payment(user: User, purchase: Purchase, *, attempt: int = 1) -> PaymentLog:
    """Return a payment as it is born."""
    rate = Decimal(1) if purchase.currency == BASE_CURRENCY else RATES[purchase.currency]
    payment = PaymentLog(
        id=make_id_at(purchase.begun_at),
        user=user,
        email=user.email,
        reference=new_reference(PAYMENT_PREFIX),
        idempotency_key=purchase.key,
        attempt=attempt,
        amount_usd=purchase.amount_usd,
        currency=purchase.currency,
        amount_minor=convert_to_minor(purchase.amount_usd, exchange_rate=rate),
        exchange_rate=rate,
        credit_amount=purchase.amount_usd.quantize(CREDIT_PLACES),
        next_check_at=purchase.begun_at + timedelta(minutes=1),
        created_at=purchase.begun_at,
        updated_at=purchase.begun_at,
    )
    payment.record_birth(cause=BY_CLIENT, now=purchase.begun_at)
    return payment


def _begin(purchase: Purchase, user: User) -> PaymentLog:
    payment = make_new_payment(user, purchase)
    payment.save(force_insert=True)
    return payment


def _call_initialize(payment: PaymentLog, outcome: GatewayOutcome, *, error_code: str = "", error: str = "") -> None:
    answer = {"status": True, "message": "Authorization URL created", "data": {"reference": payment.reference}}
    store_call(
        "initialize",
        payment=payment,
        reference=payment.reference,
        at=payment.created_at + _SOON / 4,
        request={"amount_minor": payment.amount_minor, "currency": payment.currency},
        answer=answer if outcome == GatewayOutcome.ANSWERED else None,
        outcome=outcome,
        error_code=error_code,
        error=error,
    )


def _reject(payment: PaymentLog, *, at: datetime) -> None:
    _call_initialize(payment, GatewayOutcome.REJECTED, error_code="unsupported_currency", error=_REFUSED)
    payment.fail(code="gateway_rejected", message=_REFUSED, cause=BY_CLIENT, now=at)
    _write(payment, at=at, next_check_at=None)


def _lose(payment: PaymentLog, *, at: datetime) -> None:
    _call_initialize(payment, GatewayOutcome.UNAVAILABLE, error_code="gateway_unavailable", error="No answer in time.")
    later = at + timedelta(minutes=1)
    payment.fail(code=janitor.NEVER_REACHED_CODE, message="Paystack never heard of it.", cause=BY_JANITOR, now=later)
    _write(payment, at=later, next_check_at=None)


def _open_checkout(payment: PaymentLog, *, at: datetime) -> None:
    _call_initialize(payment, GatewayOutcome.ANSWERED)
    payment.access_code = payment.reference[-15:]
    payment.authorization_url = f"https://checkout.paystack.com/{payment.access_code}"
    payment.start_processing(cause=BY_CLIENT, now=at)
    _write(payment, at=at, next_check_at=payment.next_check_at)


def _write(payment: PaymentLog, *, at: datetime, next_check_at: datetime | None) -> None:
    payment.next_check_at = next_check_at
    PaymentLog.write([payment], now=at)


def _pay(payment: PaymentLog, purchase: Purchase, _now: datetime) -> None:
    waits = timedelta(seconds=0.4 + purchase.takes.seconds % 9)
    tell(payment, describe_charge(payment, at=purchase.ended_at), at=purchase.ended_at + waits)


def tell(payment: PaymentLog, charge: dict[str, Any], *, at: datetime) -> None:
    """Let Paystack announce a charge, and the product act on it."""
    request = CreditRequest(evidence=read_evidence(charge), cause=BY_EVENT, is_announced=True)
    crediting.credit_payments([request], now=at + _SOON / 4)
    store_event("charge.success", charge, reference=payment.reference, at=at, payment=payment)
    _stop_looking(payment, at=at + _SOON)


def _find_out(payment: PaymentLog, charge: dict[str, Any], *, at: datetime) -> None:
    """Let the product ask Paystack about a charge, and act on the answer."""
    answer = {"status": True, "message": "Verification successful", "data": charge}
    store_call("verify", payment=payment, reference=payment.reference, at=at, request={}, answer=answer)
    crediting.credit_payments([CreditRequest(evidence=read_evidence(charge), cause=BY_JANITOR)], now=at + _SOON)
    _stop_looking(payment, at=at + _SOON)


def _stop_looking(payment: PaymentLog, *, at: datetime) -> None:
    """End the looks at a payment whose end is known, or for which a person is asked."""
    found = PaymentLog.objects.get(pk=payment.pk)
    if found.next_check_at is not None:
        _write(found, at=at, next_check_at=None)


def _decline(payment: PaymentLog, purchase: Purchase, _now: datetime) -> None:
    said = "Declined by the bank: insufficient funds"
    charge = describe_charge(
        payment, at=purchase.ended_at, status="failed", gateway_response=said, paid_at=None, fees=None
    )
    _find_out(payment, charge, at=purchase.ended_at)


def expire(payment: PaymentLog) -> None:
    """Let the last look at a payment that nobody paid pass."""
    at = payment.created_at + _THREE_DAYS
    payment.fail(code=janitor.EXPIRED_CODE, message="Nobody paid within three days.", cause=BY_JANITOR, now=at)
    payment.checks = 8
    with transaction.atomic():
        _write(payment, at=at, next_check_at=None)


def _expire(payment: PaymentLog, _purchase: Purchase, _now: datetime) -> None:
    expire(payment)


def _pay_late(payment: PaymentLog, purchase: Purchase, now: datetime) -> None:
    _decline(payment, purchase, now)
    at = purchase.ended_at + timedelta(minutes=47)
    tell(payment, describe_charge(payment, at=at), at=at + _SOON)


def _leave_open(payment: PaymentLog, _purchase: Purchase, now: datetime) -> None:
    _write(payment, at=payment.updated_at, next_check_at=now + _LOOKED_AT_AFTER)


def _bury(payment: PaymentLog, purchase: Purchase, now: datetime) -> None:
    """Let the event that told of the payment end in the dead letters."""
    _leave_open(payment, purchase, now)
    event = store_event(
        "charge.success",
        describe_charge(payment, at=purchase.ended_at),
        reference=payment.reference,
        at=purchase.ended_at + _SOON,
        status=EventStatus.DEAD,
        error_class="OperationalError",
        error="canceling statement due to lock timeout",
        attempts=4,
    )
    store_failed_attempts(event)


def _doubt(payment: PaymentLog, purchase: Purchase, _now: datetime) -> None:
    """Let Paystack announce something that must not be credited as it is."""
    told: dict[ReviewReason, dict[str, Any]] = {
        ReviewReason.AMOUNT_MISMATCH: {
            "amount": payment.amount_minor // 2, "requested_amount": payment.amount_minor // 2
        },
        ReviewReason.PARTIAL_DEBIT: {"amount": payment.amount_minor * 3 // 4},
        ReviewReason.OVERPAID: {"amount": payment.amount_minor + 500_000},
        ReviewReason.CURRENCY_MISMATCH: {"currency": "USD"},
        ReviewReason.STATUS_MISMATCH: {"status": "failed", "gateway_response": "Declined"},
        ReviewReason.EVIDENCE_INCOMPLETE: {"amount": None},
    }  # fmt: skip
    reason = ReviewReason.PARTIAL_DEBIT if purchase.story == "dismissed" else ReviewReason(purchase.story)
    charge = describe_charge(payment, at=purchase.ended_at, **told[reason])
    tell(payment, charge, at=purchase.ended_at + _SOON)


def _doubt_answer(payment: PaymentLog, purchase: Purchase, _now: datetime) -> None:
    """Let Paystack answer something that must not be credited as it is."""
    told = {
        ReviewReason.WRONG_DOMAIN: {"domain": "live"},
        ReviewReason.REVERSAL_PENDING: {"status": "reversal-pending"},
    }
    _find_out(
        payment,
        describe_charge(payment, at=purchase.ended_at, **told[ReviewReason(purchase.story)]),
        at=purchase.ended_at,
    )


def _reuse(payment: PaymentLog, purchase: Purchase, _now: datetime) -> None:
    """Let Paystack announce the payment with the number of another one."""
    used = PaymentLog.objects.filter(credited=True).exclude(user=payment.user).order_by("pk").first()
    number = used.gateway_transaction_id if used else None
    tell(payment, describe_charge(payment, at=purchase.ended_at, id=number), at=purchase.ended_at + _SOON)


def _pay_twice(payment: PaymentLog, purchase: Purchase, now: datetime) -> None:
    """Let the customer pay both attempts at the same purchase."""
    later = make_new_payment(payment.user, purchase, attempt=2)
    payment.superseded_by = later
    _write(payment, at=purchase.begun_at + _SOON, next_check_at=payment.next_check_at)
    later.save(force_insert=True)
    _open_checkout(later, at=purchase.begun_at + 2 * _SOON)
    _pay(payment, purchase, now)
    at = purchase.ended_at + timedelta(minutes=2)
    tell(later, describe_charge(later, at=at, id=int(at.timestamp() * 1_000_000)), at=at)


_Story = Callable[[PaymentLog, Purchase, datetime], None]
_STORIES: Final[dict[str, _Story]] = {
    plan.DECLINED: _decline,
    plan.EXPIRED: _expire,
    plan.LATE: _pay_late,
    plan.OPEN: _leave_open,
    plan.DEAD_LETTER: _bury,
    **dict.fromkeys(
        [
            "dismissed",
            ReviewReason.AMOUNT_MISMATCH,
            ReviewReason.PARTIAL_DEBIT,
            ReviewReason.OVERPAID,
            ReviewReason.CURRENCY_MISMATCH,
            ReviewReason.STATUS_MISMATCH,
            ReviewReason.EVIDENCE_INCOMPLETE,
        ],
        _doubt,
    ),
    ReviewReason.WRONG_DOMAIN: _doubt_answer,
    ReviewReason.REVERSAL_PENDING: _doubt_answer,
    ReviewReason.TRANSACTION_REUSED: _reuse,
    ReviewReason.PAID_TWICE: _pay_twice,
}

"""Steps of a review that tests of several services take, against a gateway that knows the payment."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.models import Transaction
from devtools.sandbox.ledger import payments as pages
from devtools.sandbox.ledger import tables
from payments.gateways.paystack import transactions
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import Cause, Evidence, PaymentLog
from payments.services import crediting, gateway_calls, reviews
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.people import AgentFactory

BY_HAND = Cause(source="admin", by="ada", request_id="0d6c1f0e-0000-7000-8000-000000000000")
PARTLY = {"amount_minor": 2_000_000}
# 2,000,000 subunits at 1650 units per dollar are 12.12121... credits.
WORTH_OF_PART = Decimal("12.1212")


def pay_oddly(sandbox: Any, *, asked_minor: int | None = None, purchase: Any = None, **paid: Any) -> PaymentLog:
    """Make a purchase of 25 credits that was paid at the gateway in such a way, or for another amount."""
    payment: PaymentLog = PaymentFactory(at=PaymentState.PROCESSING, **purchase or {})
    transactions.initialize_transaction(
        email=payment.email,
        amount_minor=asked_minor or payment.amount_minor,
        currency=payment.currency,
        reference=payment.reference,
    )
    sandbox.pay(payment.reference, deliveries=0, **paid)
    return payment


def review(sandbox: Any, **odd: Any) -> PaymentLog:
    """Have an odd payment found out; less was paid than asked for, unless told otherwise."""
    payment = pay_oddly(sandbox, **odd or PARTLY)
    hear(payment)
    payment.refresh_from_db()
    return payment


def look_up(payment: PaymentLog) -> Evidence:
    """Return what the gateway says of the payment."""
    said = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id="", now=timezone.now())
    assert said is not None
    return said


def hear(payment: PaymentLog, **said: Any) -> crediting.CreditResult:
    """Act on what the gateway says of the payment, or would say; return what became of it."""
    evidence = replace(look_up(payment), **said)
    return crediting.credit_user(reference=payment.reference, evidence=evidence, cause=CAUSE, now=timezone.now()).result


def hear_that_it_fits(payment: PaymentLog) -> crediting.CreditResult:
    """Act on late evidence of the same transaction: the payment was paid as asked for."""
    fitting = {"amount_minor": payment.amount_minor, "requested_amount_minor": payment.amount_minor}
    return hear(payment, status="success", **fitting)


def plant(payment: PaymentLog, **changes: Any) -> PaymentLog:
    """Change the payment past the services."""
    for name, value in changes.items():
        setattr(payment, name, value)
    with transaction.atomic():
        PaymentLog.write([payment], now=timezone.now())
    return payment


def change_there(sandbox: Any, payment: PaymentLog, **changes: Any) -> None:
    """Have the gateway say something else of the transaction from now on."""
    with sandbox.database.work() as connection:
        told = pages.find_by_reference(connection, payment.reference)
        tables.transactions.write(connection, replace(told, **changes))


def resolver() -> User:
    """Return a member of staff who may end reviews."""
    person: User = AgentFactory(permission="resolve_review")
    return person


def credit_by_hand(payment: PaymentLog, *, by: User | None = None, now: datetime | None = None) -> PaymentLog:
    return reviews.credit_after_review(
        payment_id=payment.pk, note="Paid so much.", by=by or resolver(), cause=BY_HAND, now=now or timezone.now()
    )


def dismiss(payment: PaymentLog, *, by: User | None = None, now: datetime | None = None) -> PaymentLog:
    return reviews.dismiss_review(
        payment_id=payment.pk, note="The payer was told.", by=by or resolver(), cause=BY_HAND, now=now or timezone.now()
    )


def find_under_review(payment: PaymentLog) -> ReviewReason | str:
    return PaymentLog.objects.get(pk=payment.pk).review_reason


def entries(user: User) -> list[tuple[str, Decimal]]:
    return list(Transaction.objects.filter(user=user).order_by("sequence").values_list("type", "amount"))

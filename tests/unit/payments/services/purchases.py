"""Steps of a purchase that tests of several services take."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.models import Transaction
from billing.selectors.wallets import get_balance
from payments.models import PaymentLog
from payments.services import crediting
from payments.services.crediting import CreditOutcome, CreditRequest
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory


def credit(payment: PaymentLog, *, is_announced: bool = False, **said: Any) -> CreditOutcome:
    """Act on evidence that the payment was paid in full, unless `said` says otherwise."""
    return crediting.credit_user(
        reference=payment.reference,
        evidence=EvidenceFactory(of=payment, **said),
        cause=CAUSE,
        now=timezone.now(),
        is_announced=is_announced,
    )


def request(payment: PaymentLog, **said: Any) -> CreditRequest:
    return CreditRequest(evidence=EvidenceFactory(of=payment, **said), cause=CAUSE, is_announced=True)


def supersede(old: PaymentLog) -> PaymentLog:
    """Make another attempt at the same purchase, as initialize does when a page is lost."""
    new = PaymentFactory.build(user=old.user, idempotency_key=old.idempotency_key, attempt=old.attempt + 1)
    with transaction.atomic():
        old.superseded_by_id = new.pk
        PaymentLog.write([old], now=timezone.now())
        new.save()
    return new


def read(payment: PaymentLog) -> PaymentLog:
    return PaymentLog.objects.get(pk=payment.pk)


def is_untouched(payment: PaymentLog) -> bool:
    """Whether neither the row nor the user's wallet and ledger have changed since `payment` was read."""
    now, before = (_values(row) for row in (read(payment), payment))
    return now == before and not Transaction.objects.filter(user=payment.user).exists()


def balance(user: User) -> Decimal:
    return get_balance(user=user)


def _values(payment: PaymentLog) -> dict[str, Any]:
    return {field.attname: getattr(payment, field.attname) for field in PaymentLog._meta.concrete_fields}

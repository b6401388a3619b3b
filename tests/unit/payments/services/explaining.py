"""What tests of stories and of conclusions about payments need alike."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.utils import timezone

from payments.models import PaymentLog, Refund
from payments.services import refunds
from payments.services.explanations import explain_payment
from payments.services.refunds import RefundRequest
from tests.factories.payments import CAUSE
from tests.factories.users import StaffFactory


def conclude(payment: PaymentLog) -> str:
    """Return what is said of the payment as it is in the database."""
    return explain_payment(PaymentLog.objects.get(pk=payment.pk)).conclusion


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


def request_refund(payment: PaymentLog, amount: str = "10") -> Refund:
    request = RefundRequest(
        payment_id=payment.pk, amount_usd=Decimal(amount), reason="Asked for", idempotency_key=uuid4()
    )
    return refunds.request_refund(request=request, by=StaffFactory(), cause=CAUSE, now=timezone.now())

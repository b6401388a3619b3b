"""Purchases over the API that end in some way at the gateway, and what the worker made of them."""

from payments.models import PaymentLog
from tests.browser.back_office.people import make_client
from tests.waiting import wait_until

_PATIENCE_SECONDS = 30


def buy(office, *, amount_usd: str = "25.00") -> PaymentLog:
    """Have a new customer open a checkout page."""
    _, client = make_client(office.url)
    bought = client.initialize(amount_usd=amount_usd)
    client.close()
    return PaymentLog.objects.get(reference=bought["reference"])


def buy_credits(office, *, amount_usd: str = "25.00") -> PaymentLog:
    """Have a new customer buy credits and get them."""
    payment = buy(office, amount_usd=amount_usd)
    office.sandbox.pay(payment.reference)
    return _wait_for(payment, credited=True)


def underpay(office) -> PaymentLog:
    """Have a new customer pay half of what was asked for, which puts the payment under review."""
    payment = buy(office)
    office.sandbox.pay(payment.reference, amount_minor=payment.amount_minor // 2)
    return _wait_for(payment, review_reason__gt="")


def _wait_for(payment: PaymentLog, **columns) -> PaymentLog:
    wait_until(PaymentLog.objects.filter(pk=payment.pk, **columns).exists, seconds=_PATIENCE_SECONDS)
    payment.refresh_from_db()
    return payment

"""Locking one payment and what hangs on it, always in this order: payment, refunds, disputes, then wallets.

A row is locked by its primary key and read again in a fresh statement: what a locking statement
reads beside its rows stems from before its wait.
"""

from uuid import UUID

from payments.models import Dispute, PaymentLog, Refund


def lock_payment(payment_id: UUID) -> PaymentLog:
    """Lock the payment until the caller's transaction ends, and return it as it is then."""
    PaymentLog.objects.select_for_update(no_key=True).filter(pk=payment_id).values_list("pk").get()
    return PaymentLog.objects.get(pk=payment_id)


def lock_refunds(payment: PaymentLog) -> list[Refund]:
    """Lock the refunds of a locked payment, oldest first."""
    locking = Refund.objects.select_for_update(no_key=True).filter(payment=payment).order_by("pk")
    keys = list(locking.values_list("pk", flat=True))
    return list(Refund.objects.filter(pk__in=keys).order_by("pk"))


def lock_disputes(payment: PaymentLog) -> list[Dispute]:
    """Lock the disputes of a locked payment, oldest first."""
    locking = Dispute.objects.select_for_update(no_key=True).filter(payment=payment).order_by("pk")
    keys = list(locking.values_list("pk", flat=True))
    return list(Dispute.objects.filter(pk__in=keys).order_by("pk"))

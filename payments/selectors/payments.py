"""Reads of payments; every one starts from the user who asks."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from namaskah.errors import NotFoundError
from payments.models import PaymentLog


class PaymentNotFoundError(NotFoundError):
    """There is no payment with this reference, or it belongs to somebody else."""

    code = "payment_not_found"


def list_payments(*, user: User) -> QuerySet[PaymentLog]:
    """Return the user's payments, unordered."""
    return PaymentLog.objects.filter(user=user)


def get_payment(*, user: User, reference: str) -> PaymentLog:
    """Return the user's payment.

    :raises PaymentNotFoundError: if there is none, or it is another user's.
    """
    payment = list_payments(user=user).filter(reference=reference).first()
    if payment is None:
        raise PaymentNotFoundError("You have no payment with this reference.")
    return payment


def find_payment_of_key(*, user: User, idempotency_key: UUID) -> PaymentLog | None:
    """Return the newest attempt at the purchase that the user began with this key."""
    return list_payments(user=user).filter(idempotency_key=idempotency_key, superseded_by__isnull=True).first()

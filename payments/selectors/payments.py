"""Reads of payments; all but `get_any_payment` and `get_payment_of_id` start from the user who asks."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from namaskah.errors import NotFoundError
from namaskah.identifiers import PAYMENT_PREFIX, is_reference
from payments.models import PaymentLog


class PaymentNotFoundError(NotFoundError):
    """There is no payment with this reference, or it belongs to somebody else."""

    code = "payment_not_found"


def list_payments(
    *,
    user: User,
    state: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> QuerySet[PaymentLog]:
    """Return the user's payments, unordered; `created_after` is inclusive, `created_before` is not."""
    wanted = {"user": user, "state": state, "created_at__gte": created_after, "created_at__lt": created_before}
    return PaymentLog.objects.filter(**{name: value for name, value in wanted.items() if value is not None})


def get_payment(*, user: User, reference: str) -> PaymentLog:
    """Return the user's payment.

    :raises PaymentNotFoundError: if there is none, or it is another user's.
    """
    # What no payment of ours can be called is not asked for: it may hold bytes that Postgres cannot store.
    is_possible = is_reference(reference, prefix=PAYMENT_PREFIX)
    payment = list_payments(user=user).filter(reference=reference).first() if is_possible else None
    if payment is None:
        raise PaymentNotFoundError("You have no payment with this reference.")
    return payment


def get_any_payment(*, reference: str) -> PaymentLog:
    """Return a payment, whoever's it is: for staff and operators, never for API clients.

    :raises PaymentNotFoundError: if there is none.
    """
    is_possible = is_reference(reference, prefix=PAYMENT_PREFIX)
    payment = PaymentLog.objects.filter(reference=reference).first() if is_possible else None
    if payment is None:
        raise PaymentNotFoundError(f"There is no payment {reference!r}; references look like nmk-….")
    return payment


def get_payment_of_id(payment_id: UUID) -> PaymentLog:
    """Return a payment with its user: for staff, never for API clients.

    :raises PaymentNotFoundError: if there is none.
    """
    payment = PaymentLog.objects.select_related("user").filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFoundError("There is no such payment.")
    return payment


def find_payment_of_key(*, user: User, idempotency_key: UUID) -> PaymentLog | None:
    """Return the newest attempt at the purchase that the user began with this key."""
    return list_payments(user=user).filter(idempotency_key=idempotency_key, superseded_by__isnull=True).first()

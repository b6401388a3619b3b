"""Reads of refunds."""

from django.db.models import QuerySet

from namaskah.errors import NotFoundError
from namaskah.identifiers import REFUND_PREFIX, is_reference
from payments.models import PaymentLog, Refund


class RefundNotFoundError(NotFoundError):
    """There is no such refund."""


def list_refunds(payment: PaymentLog) -> QuerySet[Refund]:
    """Return the refunds of a payment, oldest first."""
    return Refund.objects.filter(payment=payment).select_related("payment").order_by("pk")


def get_any_refund(*, reference: str) -> Refund:
    """Return a refund, whoever's it is: for staff and operators, never for API clients.

    :raises RefundNotFoundError: if there is none.
    """
    is_possible = is_reference(reference, prefix=REFUND_PREFIX)
    refund = Refund.objects.select_related("payment").filter(reference=reference).first() if is_possible else None
    if refund is None:
        raise RefundNotFoundError(f"There is no refund {reference!r}; references look like rfd-….")
    return refund

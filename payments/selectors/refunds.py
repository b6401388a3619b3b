"""Reads of refunds."""

from uuid import UUID

from django.db.models import QuerySet

from namaskah.errors import NotFoundError
from namaskah.identifiers import REFUND_PREFIX, is_reference
from payments.lifecycles import RefundState
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


def get_refund_with_effect(refund_id: UUID) -> Refund:
    """Return a refund with its people, its payment and its ledger entries: for staff.

    :raises RefundNotFoundError: if there is none.
    """
    refund = with_effect(Refund.objects.filter(pk=refund_id)).first()
    if refund is None:
        raise RefundNotFoundError("There is no such refund.")
    return refund


def list_waiting_refunds() -> QuerySet[Refund]:
    """Return the refunds that wait for a second person, oldest first, as `get_refund_with_effect` does."""
    return with_effect(Refund.objects.filter(state=RefundState.AWAITING_APPROVAL)).order_by("created_at", "pk")


def with_effect(refunds: QuerySet[Refund]) -> QuerySet[Refund]:
    """Read refunds with their people, their payments and their ledger entries."""
    return refunds.select_related("payment__user", "requested_by", "decided_by", "ledger_entry", "reversal")

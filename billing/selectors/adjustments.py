"""Reads of manual credits and debits."""

from uuid import UUID

from django.db.models import QuerySet

from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment
from namaskah.errors import NotFoundError
from namaskah.identifiers import ADJUSTMENT_PREFIX, is_reference


class AdjustmentNotFoundError(NotFoundError):
    """There is no such adjustment."""


def get_adjustment(*, reference: str) -> CreditAdjustment:
    """Return an adjustment: for staff and operators.

    :raises AdjustmentNotFoundError: if there is none.
    """
    is_possible = is_reference(reference, prefix=ADJUSTMENT_PREFIX)
    found = CreditAdjustment.objects.select_related("user").filter(reference=reference).first() if is_possible else None
    if found is None:
        raise AdjustmentNotFoundError(f"There is no adjustment {reference!r}; references look like adj-….")
    return found


def get_adjustment_with_effect(adjustment_id: UUID) -> CreditAdjustment:
    """Return an adjustment with its people, its wallet and its ledger entry: for staff.

    :raises AdjustmentNotFoundError: if there is none.
    """
    found = with_effect(CreditAdjustment.objects.filter(pk=adjustment_id)).first()
    if found is None:
        raise AdjustmentNotFoundError("There is no such adjustment.")
    return found


def list_waiting_adjustments() -> QuerySet[CreditAdjustment]:
    """Return the adjustments that wait for a second person, oldest first, as `get_adjustment_with_effect` does."""
    waiting = CreditAdjustment.objects.filter(state=AdjustmentState.AWAITING_APPROVAL)
    return with_effect(waiting).order_by("created_at", "pk")


def with_effect(adjustments: QuerySet[CreditAdjustment]) -> QuerySet[CreditAdjustment]:
    """Read adjustments with their people, their wallets and their ledger entries."""
    return adjustments.select_related("user__wallet", "requested_by", "decided_by", "ledger_entry")

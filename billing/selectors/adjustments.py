"""Reads of manual credits and debits."""

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

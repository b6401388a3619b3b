"""What tests of adjustments read afterwards."""

from collections.abc import Iterable
from decimal import Decimal

from django.contrib.auth.models import User

from billing.models import CreditAdjustment, Transaction


def stored(adjustment: CreditAdjustment) -> CreditAdjustment:
    """Return the adjustment as the database has it."""
    return CreditAdjustment.objects.get(pk=adjustment.pk)


def entries(user: User) -> list[Decimal]:
    """Return the amounts of the user's ledger after the first 10 credits."""
    return list(Transaction.objects.filter(user=user).order_by("sequence").values_list("amount", flat=True))[1:]


def names(results: Iterable[object]) -> list[str]:
    """Return the kinds of what came of calls made at once."""
    return sorted(type(result).__name__ for result in results)

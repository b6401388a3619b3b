"""What one person moves alone within a day, whichever way: one total, which every threshold looks at."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from django.contrib.auth.models import User
from django.db.models import Sum
from django.db.models.functions import Abs

from billing.models import CreditAdjustment

DAY: Final = timedelta(hours=24)


class Count(Protocol):
    """Tells what a person moved alone in one way, in dollars."""

    def __call__(self, *, by: User, since: datetime) -> Decimal:
        """Return what `by` moved after `since` without a second person."""


_counted_too: Final[list[Count]] = []


def count_too(count: Count) -> None:
    """Have something of another app counted, such as what was sent back to payers: billing knows no gateway."""
    _counted_too.append(count)


def lock_person(by: User) -> None:
    """Let requests of one person follow one another, so that two at once do not each overlook what the other moves.

    The caller holds the transaction, and reads the totals after this.
    """
    User.objects.select_for_update(no_key=True).filter(pk=by.pk).values_list("pk").get()


def sum_adjusted_alone(*, by: User, since: datetime) -> Decimal:
    """Return what `by` adjusted after `since`, in either direction, without a second person."""
    moved = CreditAdjustment.objects.filter(requested_by=by, created_at__gt=since, needs_approval=False)
    total: Decimal | None = moved.aggregate(total=Sum(Abs("amount")))["total"]
    return total or Decimal(0)


def sum_moved_alone(*, by: User, since: datetime) -> Decimal:
    """Return what `by` moved after `since` without a second person, in every way that there is."""
    return sum((count(by=by, since=since) for count in _counted_too), sum_adjusted_alone(by=by, since=since))

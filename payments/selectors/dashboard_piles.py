"""What waits for a person, as whoever looks at the dashboard sees it: counted at each look, and never from a cache."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Min, Q
from psycopg2 import errors

from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment
from payments.lifecycles import RefundState
from payments.models import Refund
from payments.selectors.backlogs import Backlog, Pile, measure_backlog

_PATIENCE_MILLISECONDS = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Everything that waits; of what needs a second person, how much was asked for by whoever looks."""

    backlog: Backlog
    adjustments: Pile
    own_adjustments: int
    own_refunds: int


def measure_waiting(*, by: User) -> Waiting | None:
    """Count what waits; None if the database takes too long for that."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", [_PATIENCE_MILLISECONDS])
            return _measure(by)
    except OperationalError as error:
        if isinstance(error.__cause__, (errors.QueryCanceled, errors.LockNotAvailable)):
            return None
        raise


def _measure(by: User) -> Waiting:
    own = Count("pk", filter=Q(requested_by=by))
    waiting = CreditAdjustment.objects.filter(state=AdjustmentState.AWAITING_APPROVAL)
    adjustments = waiting.aggregate(count=Count("pk"), oldest_at=Min("created_at"), own=own)
    refunds = Refund.objects.filter(state=RefundState.AWAITING_APPROVAL).aggregate(own=own)
    return Waiting(
        backlog=measure_backlog(),
        adjustments=Pile(adjustments["count"], adjustments["oldest_at"]),
        own_adjustments=adjustments["own"],
        own_refunds=refunds["own"],
    )

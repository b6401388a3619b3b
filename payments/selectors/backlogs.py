"""What waits: for a worker, and for a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Coalesce, Now

from payments.lifecycles import DISPUTE_UNDECIDED, DUE_STATUSES, REFUND_MOVING, BreakState, EventStatus, RefundState
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, WebhookEvent

# How long sending a refund may take, and the first look for one that nobody knows the outcome of.
REFUND_MOVES_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pile:
    """How many wait, and since when the oldest does."""

    count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The piles; all but `due_events` wait for a person. The `oldest_at` of `disputes` is the nearest deadline."""

    due_events: Pile
    dead_events: Pile
    quarantined_events: Pile
    reviews: Pile
    refunds_to_decide: Pile
    refunds_in_trouble: Pile
    refunds_stuck: Pile
    disputes: Pile
    breaks: Pile

    @property
    def waits_for_a_person(self) -> bool:
        """Whether somebody has something to do."""
        return any(getattr(self, name).count for name in self.__slots__ if name != "due_events")


def measure_events(*statuses: EventStatus) -> Pile:
    """Count and age the events that are due, dead or quarantined."""
    return _measure(WebhookEvent.objects.filter(status__in=statuses), "received_at")


def measure_backlog() -> Backlog:
    """Count and age everything that waits; partial indexes know it among however many rows."""
    return Backlog(
        due_events=measure_events(*DUE_STATUSES),
        dead_events=measure_events(EventStatus.DEAD),
        quarantined_events=measure_events(EventStatus.QUARANTINED),
        reviews=_measure(PaymentLog.objects.exclude(review_reason=""), "created_at"),
        refunds_to_decide=_measure(Refund.objects.filter(state=RefundState.AWAITING_APPROVAL), "created_at"),
        refunds_in_trouble=_measure(Refund.objects.filter(state=RefundState.NEEDS_ATTENTION), "created_at"),
        refunds_stuck=_measure(_find_stuck_refunds(), "allowed_at"),
        disputes=_measure(Dispute.objects.filter(state__in=DISPUTE_UNDECIDED), "due_at"),
        breaks=_measure(ReconciliationBreak.objects.filter(state=BreakState.OPEN), "first_seen_at"),
    )


def _find_stuck_refunds() -> "QuerySet[Refund]":
    """Return what should be at Paystack by now, and is not as far as anybody knows; all of it is due for a look."""
    moving = Refund.objects.filter(next_check_at__isnull=False, state__in=REFUND_MOVING)
    allowed = moving.annotate(allowed_at=Coalesce("decided_at", "created_at"))
    return allowed.filter(allowed_at__lt=Now() - REFUND_MOVES_WITHIN)


def _measure(rows: "QuerySet[Any]", moment: str) -> Pile:
    found = rows.aggregate(count=Count("pk"), oldest_at=Min(moment))
    return Pile(found["count"], found["oldest_at"])

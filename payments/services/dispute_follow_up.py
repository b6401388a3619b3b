"""Asking about disputes that nobody has decided: the event that told of the end may never have come."""

import time
from datetime import datetime, timedelta
from typing import Final

import structlog

from namaskah.identifiers import find_first_id
from payments.lifecycles import DISPUTE_UNDECIDED, TransitionSource
from payments.models import Cause, Dispute, GatewayCall, GatewayOutcome
from payments.services import disputes

logger = structlog.get_logger(__name__)

CAUSE: Final = Cause(source=TransitionSource.WORKER)
_LOOK_EVERY: Final = timedelta(days=1)
_LOOK_PAST_DUE_EVERY: Final = timedelta(hours=1)
# A gateway that says no has answered too: asking it again at once gives nothing new.
_ANSWERS: Final = (GatewayOutcome.ANSWERED, GatewayOutcome.REJECTED)


def follow_up_disputes(*, now: datetime, limit_seconds: float = 10.0) -> int:
    """Ask about undecided disputes, once a day and every hour once they are past due; return how many were asked.

    Those that were asked about least recently come first; what `limit_seconds` leave no time for stays due.
    """
    deadline = time.monotonic() + limit_seconds
    looked = 0
    for gateway_dispute_id in _find_due(now):
        if time.monotonic() >= deadline:
            break
        _sync_safely(gateway_dispute_id, now=now)
        looked += 1
    return looked


def _find_due(now: datetime) -> list[int]:
    """Return the disputes to ask about; whoever asked, and why, their last answer counts."""
    undecided = dict(Dispute.objects.filter(state__in=DISPUTE_UNDECIDED).values_list("gateway_dispute_id", "due_at"))
    if not undecided:
        return []
    # The ids of calls grow with the time.
    calls = GatewayCall.objects.filter(pk__gte=find_first_id(now - _LOOK_EVERY), operation="fetch_dispute")
    looks = calls.filter(outcome__in=_ANSWERS).order_by("pk").values_list("request__dispute", "pk")
    last = {number: pk.int for number, pk in looks}
    an_hour_ago = find_first_id(now - _LOOK_PAST_DUE_EVERY).int
    due = [
        number
        for number, due_at in undecided.items()
        if number not in last or (due_at and due_at <= now and last[number] < an_hour_ago)
    ]
    return sorted(due, key=lambda number: last.get(number, 0))


def _sync_safely(gateway_dispute_id: int, *, now: datetime) -> None:
    try:
        disputes.sync_dispute(gateway_dispute_id=gateway_dispute_id, cause=CAUSE, now=now)
    except Exception:
        # It is asked about again; the others must not wait for it.
        logger.exception("dispute_follow_up_failed", dispute=gateway_dispute_id)

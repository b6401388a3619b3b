"""Reads of replays of many events at once."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from namaskah.errors import NotFoundError
from payments.models import ReplayOutcome, ReplayRun, ReplayRunEvent, ReplayRunState


class ReplayRunNotFoundError(NotFoundError):
    """There is no such run."""


def get_run(run_id: UUID) -> ReplayRun:
    """Return a run, with whoever asked for it and whoever stopped it.

    :raises ReplayRunNotFoundError: if there is none.
    """
    run = ReplayRun.objects.select_related("by", "stopped_by").filter(pk=run_id).first()
    if run is None:
        raise ReplayRunNotFoundError("There is no such replay.")
    return run


def find_run(text: str) -> ReplayRun | None:
    """Return the run with this id, or None: the text is one that somebody sent."""
    try:
        return ReplayRun.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def count_under_way(event_ids: Sequence[UUID], *, beside: ReplayRun | None) -> int:
    """Return how many of the events a run that goes on, other than `beside`, has not replayed yet."""
    return _list_waiting(event_ids, beside=beside).values("event_id").distinct().count()


def list_under_way(event_ids: Sequence[UUID], *, beside: ReplayRun | None) -> QuerySet[ReplayRun]:
    """Return the runs that go on, other than `beside`, and have not replayed all the events yet; the oldest first."""
    waiting = _list_waiting(event_ids, beside=beside)
    going_on = ReplayRun.objects.filter(state=ReplayRunState.RUNNING, pk__in=waiting.values("run_id"))
    return going_on.select_related("by").order_by("created_at", "pk")


def _list_waiting(event_ids: Sequence[UUID], *, beside: ReplayRun | None) -> QuerySet[ReplayRunEvent]:
    waiting = ReplayRunEvent.objects.filter(outcome=ReplayOutcome.WAITING, run__state=ReplayRunState.RUNNING)
    return waiting.filter(event_id__in=event_ids).exclude(run=beside)


def list_failed_event_ids(run: ReplayRun) -> list[UUID]:
    """Return the events of a run that failed, in the order in which they were replayed."""
    return list(list_events_of_run(run, ReplayOutcome.FAILED).values_list("event_id", flat=True))


def list_events_of_run(run: ReplayRun, *outcomes: ReplayOutcome) -> QuerySet[ReplayRunEvent]:
    """Return the events of a run in the order in which they are replayed, without their bodies."""
    events = ReplayRunEvent.objects.filter(run=run, outcome__in=outcomes or ReplayOutcome.values)
    return events.select_related("event").defer("event__body", "event__body_sha256").order_by("position")

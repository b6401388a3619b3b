"""Reads of the inbox, for operators and staff."""

import contextlib
import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from namaskah.errors import NotFoundError
from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent

# A partial index knows them among however many events.
_FOR_A_PERSON: Final = (EventStatus.DEAD, EventStatus.QUARANTINED)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_BIGINT_MAX: Final = 2**63 - 1


class EventUnknownError(NotFoundError):
    """There is no such event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are meant; what is empty narrows nothing."""

    ids: tuple[UUID, ...] = ()
    status: str | None = None
    event_type: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every event would be meant."""
        return not any(getattr(self, field.name) for field in fields(self))


def list_event_ids(wanted: EventFilter, *, limit: int) -> list[UUID]:
    """Return the ids of up to `limit` events, the oldest first."""
    conditions = {
        "pk__in": wanted.ids or None,
        "status": wanted.status,
        "event_type": wanted.event_type,
        "reference": wanted.reference,
        "received_at__gte": wanted.since,
        "received_at__lt": wanted.until,
    }
    given = {name: value for name, value in conditions.items() if value}
    events = WebhookEvent.objects.filter(**given).order_by("received_at", "pk")
    return list(events.values_list("pk", flat=True)[:limit])


def get_event(event_id: UUID) -> WebhookEvent:
    """Return an event without its body.

    :raises EventUnknownError: if there is none.
    """
    event = WebhookEvent.objects.defer("body", "body_sha256").filter(pk=event_id).first()
    if event is None:
        raise EventUnknownError("There is no such event.")
    return event


def search_events(events: QuerySet[WebhookEvent], term: str) -> QuerySet[WebhookEvent]:
    """Narrow events by a whole reference, the gateway's number of an object, or an event's own id; indexes know all."""
    wanted = term.strip()
    found = Q(reference=wanted)
    if _NUMBER.fullmatch(wanted) and int(wanted) <= _BIGINT_MAX:
        found |= Q(object_id=int(wanted))
    with contextlib.suppress(ValueError):
        found |= Q(pk=UUID(wanted))
    return events.filter(found)


def count_for_a_person() -> dict[str, int]:
    """Count the events that wait for a person, by status."""
    rows = WebhookEvent.objects.filter(status__in=_FOR_A_PERSON).values_list("status").annotate(Count("pk"))
    return dict.fromkeys((status.value for status in _FOR_A_PERSON), 0) | dict(rows.order_by())


def list_error_classes() -> list[str]:
    """Return the errors of the events that wait for a person."""
    rows = WebhookEvent.objects.filter(status__in=_FOR_A_PERSON).values_list("error_class", flat=True)
    return sorted(rows.order_by().distinct())


def list_attempts(event: WebhookEvent) -> QuerySet[WebhookAttempt]:
    """Return the attempts at an event that are written down, the newest first."""
    return WebhookAttempt.objects.filter(event=event).select_related("by").order_by("-finished_at", "-pk")

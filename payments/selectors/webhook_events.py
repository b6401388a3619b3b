"""Reads of the inbox, for operators and staff."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from payments.models import WebhookEvent


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

"""What the inbox and its attempts can be narrowed by."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest

from namaskah.back_office.filters import ChoiceFilter, DayRangeFilter
from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.selectors import webhook_events
from payments.services.webhook_ingest import HANDLED_TYPES

_ANY_OTHER: Final = "other"


class TypeFilter(ChoiceFilter):
    """By type: those that this product acts on, and the rest together."""

    title = "type"
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the types that are acted on."""
        return [*((name, name) for name in sorted(HANDLED_TYPES)), (_ANY_OTHER, "any other")]

    def narrow(self, queryset: QuerySet[WebhookEvent], value: str) -> QuerySet[WebhookEvent]:
        """Return the events of a type, or of all that nothing is done for."""
        if value == _ANY_OTHER:
            return queryset.exclude(event_type__in=HANDLED_TYPES)
        return queryset.filter(event_type=value)


class ErrorFilter(ChoiceFilter):
    """By error, of those that stopped an event."""

    title = "error"
    parameter_name = "error_class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the errors of what waits for a person, and what the address asks for."""
        there = {*webhook_events.list_error_classes(), request.GET.get(self.parameter_name, "")}
        return [(name, name) for name in sorted(there - {""})]


class ReceivedFilter(DayRangeFilter):
    """By the days on which events came."""

    title = "received"
    field_name = "received_at"


class OutcomeFilter(ChoiceFilter):
    """By how an attempt ended."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the states that an attempt leaves an event in."""
        return [(status.value, status.label) for status in EventStatus]


class TriggerFilter(ChoiceFilter):
    """By who made an attempt."""

    title = "trigger"
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the workers, and what people do."""
        return [("worker", "worker"), ("replay", "replay"), ("dismissal", "dismissal")]

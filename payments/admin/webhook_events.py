"""The inbox and the dead letters: what came, what became of it, and what can be done."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import CHECKBOX_CLASSES

from namaskah.back_office.action_pages import ActionPage, Fact, get_member
from namaskah.back_office.columns import (
    EMPTY,
    Table,
    link,
    show_exact_time,
    show_label,
    show_reference,
    show_short_reference,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from payments.admin.documents import show_body
from payments.admin.replay_actions import DismissEvent, ReplayEvent
from payments.admin.replay_many import CHOSEN, ReplayMany
from payments.admin.webhook_filters import ErrorFilter, OutcomeFilter, ReceivedFilter, TriggerFilter, TypeFilter
from payments.admin.webhook_wording import explain_event, label_outcome, label_status
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.models import PaymentLog, WebhookAttempt, WebhookEvent
from payments.selectors import webhook_events
from payments.services import replays, worker_signs

_SHOWN_ATTEMPTS: Final = 100
_STATUS: Final = "status__exact"
# What waits for a person comes first.
_TABS: Final = (
    EventStatus.DEAD,
    EventStatus.QUARANTINED,
    EventStatus.RECEIVED,
    EventStatus.RETRYING,
    EventStatus.PROCESSED,
    EventStatus.IGNORED,
    EventStatus.DISMISSED,
)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ObjectPage):
    """The inbox and the dead letters."""

    list_display = [
        "shown_type",
        "shown_reference",
        "shown_status",
        "shown_received",
        "error_class",
        "attempts",
        "deliveries",
    ]
    list_display_links = ["shown_type"]
    # The tabs' and the dashboard's.
    linked_lookups = frozenset({_STATUS, "status__in"})
    list_filter = [TypeFilter, ErrorFilter, ReceivedFilter]
    search_fields = ["reference"]
    search_help_text = "Whole reference, Paystack's number, or event id"
    ordering = ["-id"]
    # By what an index knows: a million events are not sorted for a click.
    sortable_by = ["shown_received"]
    list_before_template = "back_office/webhook_events_above.html"
    page_template = "back_office/documents.html"
    exported_too = ["received_at", "object_id", "error", "processed_at"]
    empty_sentence = "No event came yet, or none is like this."
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [ReplayEvent, DismissEvent, ReplayMany]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Leave the bodies out, which are as large as Paystack likes."""
        events: QuerySet[WebhookEvent] = super().get_queryset(request)
        return events.defer("body")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        """Add boxes to tick for whoever may replay; a file, which is asked for by POST, has none."""
        columns = list(super().get_list_display(request))
        return ["choice", *columns] if request.method == "GET" and _may_replay(request) else columns

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        queryset: QuerySet[WebhookEvent],
        search_term: str,
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        """Find by what an index knows."""
        return (webhook_events.search_events(queryset, search_term) if search_term.strip() else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the tabs, and the ways to replay what is listed."""
        answer: HttpResponse = super().changelist_view(request, extra_context)
        changes: ChangeList | None = getattr(answer, "context_data", {}).get("cl")
        if changes is not None:
            answer.context_data |= {  # type: ignore[attr-defined]  # -- a list is a TemplateResponse
                "tabs": _list_tabs(changes),
                "replay_url": ReplayMany.address_of() if _may_replay(request) else "",
                "runs_url": reverse("admin:payments_replayrun_changelist") if _may_see_runs(request) else "",
                "matching": changes.get_query_string({PAGE_VAR: None}) if changes.queryset.query.where else "",
            }
        return answer

    @display(description="Choose")
    def choice(self, event: WebhookEvent) -> str:
        """Show a box to tick, of the form above the list."""
        if not replays.is_replayable(event):
            return EMPTY
        return format_html(
            '<input type="checkbox" name="{}" value="{}" form="replay-chosen" class="{}" aria-label="Choose {} {}">',
            CHOSEN,
            event.pk,
            " ".join(CHECKBOX_CLASSES),
            event.event_type,
            event.reference,
        )

    @display(description="Type")
    def shown_type(self, event: WebhookEvent) -> str:
        """Say what it tells of."""
        return event.event_type or "unreadable"

    @display(description="Reference", ordering="reference")
    def shown_reference(self, event: WebhookEvent) -> str:
        """Say what it is about."""
        return show_short_reference(event.reference) if event.reference else EMPTY

    @display(description="Status")
    def shown_status(self, event: WebhookEvent) -> str:
        """Where it stands."""
        return show_label(label_status(event.status))

    @display(description="Received", ordering="id")
    def shown_received(self, event: WebhookEvent) -> str:
        """How long ago it came first."""
        return show_time(event.received_at)

    def describe(self, request: HttpRequest, row: WebhookEvent) -> dict[str, Any]:  # noqa: ARG002 -- as every page has it
        """Show what came, what it did, and every attempt that is written down."""
        return {
            "title": f"{row.event_type or 'Unreadable event'} {row.reference}",
            "explanation": _explain(row),
            "facts": _list_facts(row, written=webhook_events.list_attempts(row).count()),
            "documents": [show_body(bytes(row.body), event_type=row.event_type)],
            "tables": [_list_attempts(row)],
        }


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    """Attempts that failed or were asked for."""

    list_display = ["shown_event", "number", "shown_outcome", "error_class", "trigger", "by", "shown_started"]
    list_filter = [OutcomeFilter, TriggerFilter]
    list_select_related = ["event", "by"]
    search_fields = ["event__reference__exact"]
    search_help_text = "Whole reference"
    ordering = ["-id"]
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookAttempt]:
        """Leave the bodies out."""
        attempts: QuerySet[WebhookAttempt] = super().get_queryset(request)
        return attempts.defer("event__body", "event__body_sha256")

    @display(description="Event")
    def shown_event(self, attempt: WebhookAttempt) -> str:
        """Say what was tried."""
        return str(attempt.event)

    @display(description="Outcome", ordering="outcome")
    def shown_outcome(self, attempt: WebhookAttempt) -> str:
        """How it ended."""
        return show_label(label_outcome(attempt))

    @display(description="When", ordering="started_at")
    def shown_started(self, attempt: WebhookAttempt) -> str:
        """How long ago it began."""
        return show_time(attempt.started_at)


def _may_replay(request: HttpRequest) -> bool:
    return get_member(request).has_perm(replays.REPLAY_PERMISSION)


def _may_see_runs(request: HttpRequest) -> bool:
    return get_member(request).has_perm("payments.view_replayrun")


def _list_tabs(changes: ChangeList) -> list[dict[str, Any]]:
    counts = webhook_events.count_for_a_person()
    current = changes.params.get(_STATUS, "")
    tabs = [
        {"label": "All", "url": changes.get_query_string({_STATUS: None, PAGE_VAR: None}), "is_current": not current}
    ]
    tabs += [
        {
            "label": status.label,
            "url": changes.get_query_string({_STATUS: status.value, PAGE_VAR: None}),
            "is_current": current == status.value,
            "count": counts.get(status.value),
        }
        for status in _TABS
    ]
    return tabs


def _explain(event: WebhookEvent) -> str:
    told = explain_event(event, now=timezone.now())
    silence = worker_signs.tell_worker_silence() if event.status in DUE_STATUSES else ""
    return f"{told} {silence}" if silence else told


def _list_facts(event: WebhookEvent, *, written: int) -> list[Fact]:
    facts = [
        Fact("Status", label_status(event.status)),
        Fact("Payment", _link_payment(event)),
        Fact("Paystack's number", event.object_id or EMPTY),
        Fact("Received", show_exact_time(event.received_at)),
        Fact("Deliveries", f"{event.deliveries}, the last {show_exact_time(event.last_delivered_at)}"),
        # Replays count against no limit of the workers; one that passed the first time is written down nowhere.
        Fact("Attempts", max(event.attempts, written)),
    ]
    if event.next_attempt_at:
        facts.append(Fact("Due", show_exact_time(event.next_attempt_at)))
    if event.processed_at:
        facts.append(Fact("Processed", show_exact_time(event.processed_at)))
    if event.error_class:
        facts.append(Fact("Error", f"{event.error_class}: {event.error}" if event.error else event.error_class))
    facts.append(Fact("Headers", "None is kept: the signature was checked before the body was stored."))
    facts.append(Fact("Event id", show_reference(str(event.pk))))
    facts.append(Fact("SHA-256 of the body", show_reference(bytes(event.body_sha256).hex())))
    return facts


def _link_payment(event: WebhookEvent) -> str:
    # Before it had its effect, an event has no payment; its reference may.
    if not event.payment_id and not event.reference:
        return EMPTY
    payment = event.payment or PaymentLog.objects.filter(reference=event.reference).first()
    if payment is None:
        return format_html("None has the reference {}", show_reference(event.reference))
    return link(show_reference(payment.reference), reverse("admin:payments_paymentlog_change", args=[payment.pk]))


def _list_attempts(event: WebhookEvent) -> Table:
    return Table(
        title="Attempts",
        headers=["Number", "Began", "Lasted", "Outcome", "Error", "By", "Reason"],
        rows=[
            [
                attempt.number,
                show_time(attempt.started_at),
                f"{(attempt.finished_at - attempt.started_at).total_seconds():.1f} s",
                label_outcome(attempt),
                f"{attempt.error_class} {attempt.error}".strip() or EMPTY,
                f"{attempt.by.get_username()} ({attempt.trigger})" if attempt.by else attempt.trigger,
                attempt.reason or EMPTY,
            ]
            for attempt in webhook_events.list_attempts(event)[:_SHOWN_ATTEMPTS]
        ],
        empty="None is written down: that is so for one that passed the first time.",
    )

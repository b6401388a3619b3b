"""What staff do about one event: have it replayed, once they saw what that would change, or give it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import EMPTY, show_credits, show_reference
from payments.admin import replay_wording
from payments.admin.webhook_wording import label_status
from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.selectors import webhook_events
from payments.services import replay_plans, replays
from payments.services.replay_plans import PlannedReplay
from payments.services.replays import ReplayResult

_TRIED_OUT: Final = Fact("What it would do", "Tried out and rolled back just now:")


class ReasonForm(forms.Form):
    """Why it is done."""

    reason = forms.CharField(
        max_length=300,
        help_text="For colleagues: it stands beside the attempt and in the audit log.",
        widget=UnfoldAdminTextInputWidget(),
    )


@dataclass
class ReplaySubject:
    """An event, what replaying it would change, and what became of that."""

    event: WebhookEvent
    result: ReplayResult | None = None

    @cached_property
    def plan(self) -> PlannedReplay:
        """The replay, rehearsed."""
        return replay_plans.plan_replays([self.event.pk])[0]


class ReplayEvent(ActionPage):
    """Put one event through the same processing again; the form shows what that would change."""

    permission = replays.REPLAY_PERMISSION
    name = "webhook.replay"
    route = "<uuid:event_id>/replay/"
    title = "Replay"
    submit_label = "Replay it now"
    form_class: ClassVar[type[forms.Form]] = ReasonForm
    lost_url_name = "admin:payments_webhookevent_changelist"
    not_now = "Processing this event again could not do anything."

    @classmethod
    def is_offered(cls, subject: WebhookEvent) -> bool:
        """Whether processing it again can do anything."""
        return replays.is_replayable(subject)

    def explain_refusal(self, by: User, subject: ReplaySubject) -> str:
        """Return why the event is not replayed now."""
        return super().explain_refusal(by, subject.event)

    def find(self, **where: Any) -> ReplaySubject:
        """Return the event."""
        return ReplaySubject(webhook_events.get_event(where["event_id"]))

    def describe(self, subject: ReplaySubject) -> str:
        """Return what people call the event."""
        return _describe(subject.event)

    def identity(self, subject: ReplaySubject) -> str:
        """Return the event's id: a payment may have several events of a type."""
        return str(subject.event.pk)

    def version(self, subject: ReplaySubject) -> str:
        """Return what stands for the plan."""
        return replay_plans.hash_plan([subject.plan])

    def facts(self, subject: ReplaySubject) -> Sequence[Fact]:
        """Show what would change."""
        return [*_list_facts(subject.event), _TRIED_OUT, *replay_wording.list_facts(subject.plan)]

    def url_of(self, subject: ReplaySubject) -> str:
        """Return the event's page."""
        return _url_of(subject.event)

    def act(self, subject: ReplaySubject, sent: Sent) -> str:
        """Replay it."""
        subject.result = replays.replay_event(event_id=subject.event.pk, by=sent.by, reason=sent.fields["reason"])
        return _tell(subject.result, subject.plan)

    def answer(self, request: HttpRequest, subject: ReplaySubject, told: str) -> HttpResponse:
        """Tell on the event's page how it went: a replay that fails was done all the same."""
        is_good = subject.result is not None and not subject.result.error_class
        messages.add_message(request, messages.SUCCESS if is_good else messages.WARNING, told)
        return HttpResponseRedirect(self.url_of(subject))


class DismissEvent(ActionPage):
    """Give up a dead letter, or an event in quarantine."""

    permission = replays.DISMISS_PERMISSION
    name = "webhook.dismiss"
    route = "<uuid:event_id>/dismiss/"
    title = "Dismiss"
    submit_label = "Dismiss it for good"
    takes_away = True
    form_class: ClassVar[type[forms.Form]] = ReasonForm
    lost_url_name = "admin:payments_webhookevent_changelist"
    # No money moves, and the body stays.
    needs_proof = False
    not_now = "This event does not wait for a person."

    @classmethod
    def is_offered(cls, subject: WebhookEvent) -> bool:
        """Whether it waits for a person."""
        return replays.is_dismissible(subject)

    def find(self, **where: Any) -> WebhookEvent:
        """Return the event."""
        return webhook_events.get_event(where["event_id"])

    def describe(self, subject: WebhookEvent) -> str:
        """Return what people call the event."""
        return _describe(subject)

    def identity(self, subject: WebhookEvent) -> str:
        """Return the event's id: a payment may have several events of a type."""
        return str(subject.pk)

    def version(self, subject: WebhookEvent) -> str:
        """Return where it stands."""
        return f"{subject.status} {subject.attempts} {subject.deliveries}"

    def facts(self, subject: WebhookEvent) -> Sequence[Fact]:
        """Show why it waits."""
        error = f"{subject.error_class} {subject.error}".strip() or EMPTY
        return [*_list_facts(subject), Fact("Error", error), Fact("Effect", "Nobody processes it any more.")]

    def url_of(self, subject: WebhookEvent) -> str:
        """Return the event's page."""
        return _url_of(subject)

    def act(self, subject: WebhookEvent, sent: Sent) -> str:
        """Give it up."""
        replays.dismiss_event(event_id=subject.pk, by=sent.by, reason=sent.fields["reason"])
        return "The event is dismissed; it stays in the list of dismissed ones."


def _tell(result: ReplayResult, plan: PlannedReplay) -> str:
    if result.status == EventStatus.RETRYING:
        return "Another process is working on its payment at this moment: the workers do the rest."
    if result.error_class:
        return f"It was replayed and failed again: {result.error_class}: {result.error}"
    return f"It was replayed. {show_credits(plan.total)} credits moved."


def _list_facts(event: WebhookEvent) -> list[Fact]:
    return [
        Fact("Type", event.event_type or "unreadable"),
        Fact("About", show_reference(event.reference) if event.reference else EMPTY),
        Fact("Status", label_status(event.status)),
    ]


def _describe(event: WebhookEvent) -> str:
    return f"{event.event_type or 'unreadable event'} {event.reference or event.pk}"


def _url_of(event: WebhookEvent) -> str:
    return reverse("admin:payments_webhookevent_change", args=[event.pk])

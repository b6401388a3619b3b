"""Replays of many events: how far the workers are, what failed, and a way to stop them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from namaskah.back_office.action_pages import ActionPage, Fact, Sent, get_member
from namaskah.back_office.columns import (
    BAD,
    BUSY,
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Table,
    link,
    show_exact_time,
    show_label,
    show_reference,
    show_time,
)
from namaskah.back_office.filters import ChoiceFilter
from namaskah.back_office.object_pages import ObjectPage, Offer
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from payments.admin.replay_many import ReplayMany, tell_choice
from payments.admin.replay_wording import describe_run
from payments.models import ReplayOutcome, ReplayRun, ReplayRunEvent, ReplayRunState
from payments.selectors import replay_runs as runs
from payments.services import replay_runs, replays, worker_signs

_SHOWN_FAILURES: Final = 100
REFRESH_SECONDS: Final = 5
_STATES: Final = {
    ReplayRunState.RUNNING: Label("Running", BUSY, "The workers replay its events, a few each time."),
    ReplayRunState.DONE: Label("Done", GOOD, "Every event was replayed, or could not be."),
    ReplayRunState.STOPPED: Label("Stopped", CARE, "A colleague stopped it; what was left is as it was."),
}
_OUTCOMES: Final = {
    ReplayOutcome.WAITING: Label("Waiting", QUIET),
    ReplayOutcome.PROCESSED: Label("Processed", GOOD),
    ReplayOutcome.FAILED: Label("Failed", BAD),
}


class StateFilter(ChoiceFilter):
    """By whether a run goes on."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the states that there are."""
        return [(state.value, label.text) for state, label in _STATES.items()]


class OutcomeFilter(ChoiceFilter):
    """By what became of an event."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the outcomes that there are."""
        return [(outcome.value, label.text) for outcome, label in _OUTCOMES.items()]


class StopReplayRun(ActionPage):
    """Leave what is left of a run as it is."""

    permission = replays.REPLAY_PERMISSION
    name = "webhook.replay_stop"
    route = "<uuid:run_id>/stop/"
    title = "Stop"
    submit_label = "Stop it"
    takes_away = True
    lost_url_name = "admin:payments_replayrun_changelist"
    # It must be quick, and moves nothing.
    needs_proof = False
    not_now = "It runs no more."

    @classmethod
    def is_offered(cls, subject: ReplayRun) -> bool:
        """Whether it runs."""
        return subject.state == ReplayRunState.RUNNING

    def find(self, **where: Any) -> ReplayRun:
        """Return the run."""
        return runs.get_run(where["run_id"])

    def describe(self, subject: ReplayRun) -> str:
        """Return whose it is, and of how many events."""
        return describe_run(subject)

    def version(self, subject: ReplayRun) -> str:
        """Return its state: that it goes on meanwhile is no reason not to stop it."""
        return subject.state

    def facts(self, subject: ReplayRun) -> Sequence[Fact]:
        """Show how far it is."""
        return [
            Fact("State", _STATES[ReplayRunState(subject.state)]),
            Fact("Left", subject.left),
            Fact("Effect", "What was replayed stays; what is left stays as it is."),
        ]

    def url_of(self, subject: ReplayRun) -> str:
        """Return the run's page."""
        return reverse("admin:payments_replayrun_change", args=[subject.pk])

    def act(self, subject: ReplayRun, sent: Sent) -> str:
        """Stop it."""
        stopped = replay_runs.stop_run(run_id=subject.pk, by=sent.by, now=sent.now)
        return f"Stopped; {stopped.left} of {stopped.total} events were left."


@admin.register(ReplayRun)
class ReplayRunAdmin(ObjectPage):
    """What was replayed together."""

    list_display = ["shown_created", "by", "shown_state", "total", "processed", "failed", "shown_choice", "reason"]
    list_filter = [StateFilter]
    list_select_related = ["by"]
    search_fields = ["by__username", "reason"]
    search_help_text = "Member of staff, or reason"
    ordering = ["-created_at", "-id"]
    page_template = "back_office/replay_run.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [StopReplayRun]

    @display(description="When", ordering="created_at")
    def shown_created(self, run: ReplayRun) -> str:
        """How long ago it was asked for."""
        return show_time(run.created_at)

    @display(description="State", ordering="state")
    def shown_state(self, run: ReplayRun) -> str:
        """Whether it goes on."""
        return show_label(_STATES[ReplayRunState(run.state)])

    @display(description="Chosen")
    def shown_choice(self, run: ReplayRun) -> str:
        """How its events were chosen."""
        return tell_choice(run.asked_for)

    def list_offers(self, request: HttpRequest, row: ReplayRun) -> list[Offer]:
        """Offer to replay what failed, too."""
        offers = super().list_offers(request, row)
        if replay_runs.can_replay_failed(row) and get_member(request).has_perm(ReplayMany.permission):
            offers.append(Offer("Replay the failed", ReplayMany.address_of_failed(row)))
        return offers

    def describe(self, request: HttpRequest, row: ReplayRun) -> dict[str, Any]:
        """Show how far it is, and what failed."""
        is_running = row.state == ReplayRunState.RUNNING
        return {
            "title": describe_run(row),
            "explanation": _explain(row),
            "facts": _list_facts(row),
            "tables": [_list_failures(row)],
            "run": row,
            "ended": row.processed + row.failed,
            "refresh_seconds": REFRESH_SECONDS if is_running and "still" not in request.GET else None,
            "is_running": is_running,
        }


@admin.register(ReplayRunEvent)
class ReplayRunEventAdmin(ReadOnlyAdmin):
    """The events of the runs."""

    list_display = ["shown_ended", "shown_event", "shown_outcome", "error_class", "error", "run"]
    # A run's page leads to its events.
    linked_lookups = frozenset({"run__exact"})
    list_filter = [OutcomeFilter]
    list_select_related = ["event", "run"]
    search_fields = ["event__reference__exact"]
    search_help_text = "Whole reference"
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the bodies out."""
        return super().get_queryset(request).defer("event__body", "event__body_sha256")

    @display(description="When", ordering="ended_at")
    def shown_ended(self, row: ReplayRunEvent) -> str:
        """How long ago it was replayed."""
        return show_time(row.ended_at)

    @display(description="Event")
    def shown_event(self, row: ReplayRunEvent) -> str:
        """Link to the event."""
        return _link(row)

    @display(description="Outcome", ordering="outcome")
    def shown_outcome(self, row: ReplayRunEvent) -> str:
        """Say what became of it."""
        return show_label(_OUTCOMES[ReplayOutcome(row.outcome)])


def _explain(run: ReplayRun) -> str:
    if run.state == ReplayRunState.RUNNING:
        silence = worker_signs.tell_worker_silence()
        usual = "The workers replay the events a few at a time, also when nobody watches. You may close this page."
        return f"{silence} The rest is replayed then." if silence else usual
    if run.state == ReplayRunState.STOPPED:
        return f"It was stopped. {run.left} events were left as they were; replay them anew if they are still wanted."
    if run.failed:
        return "It is done. What failed stands below with its error; once the cause is gone, replay those again."
    return "It is done, and nothing failed."


def _list_facts(run: ReplayRun) -> list[Fact]:
    facts = [
        Fact("State", _STATES[ReplayRunState(run.state)]),
        Fact("Processed", f"{run.processed:,}"),
        Fact("Failed", f"{run.failed:,}"),
        Fact("Left", f"{run.left:,}"),
        Fact("Chosen", _show_choice(run)),
        Fact("Asked for by", f"{run.by.get_username()}, {show_exact_time(run.created_at)}"),
        Fact("Reason", run.reason),
        Fact("Last progress", show_exact_time(run.progressed_at) if run.progressed_at else EMPTY),
        Fact("Ended", show_exact_time(run.ended_at) if run.ended_at else EMPTY),
    ]
    if run.stopped_by is not None:
        facts.append(Fact("Stopped by", run.stopped_by.get_username()))
    return facts


def _show_choice(run: ReplayRun) -> str:
    told, earlier = tell_choice(run.asked_for), run.asked_for.get("failed_of")
    return link(told, reverse("admin:payments_replayrun_change", args=[earlier])) if earlier else told


def _list_failures(run: ReplayRun) -> Table:
    failures = list(runs.list_events_of_run(run, ReplayOutcome.FAILED)[: _SHOWN_FAILURES + 1])
    return Table(
        title="Failures",
        headers=["Event", "Type", "When", "Error"],
        rows=[
            [
                _link(failure),
                failure.event.event_type or "unreadable",
                show_time(failure.ended_at),
                f"{failure.error_class} {failure.error}".strip(),
            ]
            for failure in failures[:_SHOWN_FAILURES]
        ],
        empty="None so far." if run.state == ReplayRunState.RUNNING else "None.",
        more_url=_failures_url(run) if len(failures) > _SHOWN_FAILURES else "",
    )


def _failures_url(run: ReplayRun) -> str:
    return f"{reverse('admin:payments_replayrunevent_changelist')}?outcome={ReplayOutcome.FAILED}&run__exact={run.pk}"


def _link(row: ReplayRunEvent) -> str:
    url = reverse("admin:payments_webhookevent_change", args=[row.event_id])
    return link(show_reference(row.event.reference or str(row.event_id)), url)

"""Replaying the chosen events, or all that match the list's filter: the workers do it, this page asks them to."""

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR, SEARCH_VAR
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone

from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import CARE, Label, link
from namaskah.errors import NotFoundError
from payments.admin import replay_wording
from payments.admin.replay_actions import ReasonForm
from payments.models import ReplayRun, WebhookEvent
from payments.selectors import replay_runs as runs
from payments.selectors import webhook_events
from payments.selectors.webhook_events import EventFilter
from payments.services import replay_plans, replay_runs, replays
from payments.services.replay_plans import PlannedReplay

# So many are rehearsed to show what would happen: each may ask the gateway.
PLANNED: Final = 20
# So many of the runs that are under way are named.
_NAMED_RUNS: Final = 5
CHOSEN: Final = "event"
UNTIL: Final = "until"
FAILED_OF: Final = "failed_of"
# What the list takes and does not narrow it.
_OF_THE_LIST: Final = {*IGNORED_PARAMS, ERROR_FLAG} - {SEARCH_VAR}
_NAMES: Final = {SEARCH_VAR: "search", "status__exact": "status"}


class NothingChosenError(NotFoundError):
    """What was asked for is no event, or all there are."""


@dataclass
class ChosenEvents:
    """The events that are meant, oldest first, and how they were chosen."""

    event_ids: list[UUID]
    asked_for: dict[str, Any]
    has_more: bool = False
    # How many more were asked for that processing again could do nothing for; counted as far as a run is large.
    left_out: int = 0
    run: ReplayRun | None = field(default=None)

    @cached_property
    def plan(self) -> list[PlannedReplay]:
        """What the first of them would do."""
        return replay_plans.plan_replays(self.event_ids[:PLANNED])

    @cached_property
    def under_way(self) -> int:
        """How many of them another run is going to replay anyway."""
        return runs.count_under_way(self.event_ids, beside=self.run)

    @cached_property
    def runs_under_way(self) -> list[ReplayRun]:
        """Those runs."""
        return list(runs.list_under_way(self.event_ids, beside=self.run)[:_NAMED_RUNS])


class ReplayMany(ActionPage):
    """Have many events replayed; `event=` in the address names them, or the list's own parameters do.

    `failed_of=` names a run, of which those are meant that failed.
    """

    permission = replays.REPLAY_PERMISSION
    name = "webhook.replay_many"
    route = "replay-many/"
    title = "Replay"
    submit_label = "Replay them"
    form_class: ClassVar[type[forms.Form]] = ReasonForm
    lost_url_name = "admin:payments_webhookevent_changelist"

    @classmethod
    def is_offered(cls, subject: Any) -> bool:  # noqa: ARG003 -- as every page has it
        """Offer it above the list, not on the page of one event."""
        return False

    @classmethod
    def address_of(cls, subject: Any = None) -> str:
        """Return the address of this page."""
        del subject
        return reverse(f"admin:{cls._url_name()}")

    @classmethod
    def address_of_failed(cls, run: ReplayRun) -> str:
        """Return the address of this page for what failed in the run."""
        return f"{cls.address_of()}?{FAILED_OF}={run.pk}"

    def explain_refusal(self, by: User, subject: Any) -> str:
        """Return nothing: whatever the list has can be tried."""
        del by, subject
        return ""

    def get(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Show the form, about what matches now: what comes while somebody reads it is not meant."""
        if not request.GET.keys().isdisjoint({CHOSEN, UNTIL, FAILED_OF}):
            return super().get(request, **where)
        parameters = request.GET.copy()
        parameters[UNTIL] = timezone.now().isoformat()
        return HttpResponseRedirect(f"{request.path}?{parameters.urlencode()}")

    def find(self, **where: Any) -> ChosenEvents:
        """Return the events.

        :raises NothingChosenError: if there are none, or nothing narrows them down.
        """
        del where
        parameters = self.request.GET
        if CHOSEN in parameters:
            chosen = _read_chosen(parameters)
        elif FAILED_OF in parameters:
            chosen = _read_failed(parameters[FAILED_OF])
        else:
            chosen = _read_matching(self.request)
        if not chosen.event_ids and chosen.left_out:
            raise NothingChosenError("Processing these events again could not do anything: nothing was chosen.")
        if not chosen.event_ids:
            raise NothingChosenError("No event was chosen, or none matches any more.")
        # Of a form whose answer was lost: the run that it began is no other.
        chosen.run = runs.find_run(self.request.POST.get("token", ""))
        return chosen

    def describe(self, subject: ChosenEvents) -> str:
        """Return how they were chosen."""
        return tell_choice(subject.asked_for)

    def identity(self, subject: ChosenEvents) -> str:
        """Return what stands for what was asked for, whichever events that are by now."""
        del subject
        return _hash(self.request.GET.urlencode())

    def version(self, subject: ChosenEvents) -> str:
        """Return what stands for the events, for how many have their turn, and for what the first of them would do."""
        events = _hash("".join(map(str, subject.event_ids)))
        return f"{events} {subject.under_way} {replay_plans.hash_plan(subject.plan)}"

    def facts(self, subject: ChosenEvents) -> Sequence[Fact]:
        """Show how many they are, and what the first of them would do."""
        count = len(subject.event_ids)
        limit = f"At most {replay_runs.LARGEST_RUN:,} at once."
        if subject.has_more:
            limit += " More match: these are the oldest. Replay again for the rest."
        of_those = "them all" if count <= PLANNED else f"the oldest {PLANNED} of them"
        return [
            Fact("Events", _count(subject)),
            Fact("Chosen", tell_choice(subject.asked_for)),
            Fact("Limit", limit),
            *([Fact("Left out", _tell_left_out(subject.left_out))] if subject.left_out else []),
            *([Fact("Under way", _tell_under_way(subject.under_way))] if subject.under_way else []),
            *(Fact("Running now", _link_run(run)) for run in subject.runs_under_way),
            Fact("Tried out on", f"{of_those}, and rolled back:"),
            *replay_wording.list_totals(subject.plan),
            Fact("One by one", replay_wording.list_lines(subject.plan)),
        ]

    def url_of(self, subject: ChosenEvents) -> str:
        """Return the page of the run, once there is one."""
        if subject.run is not None:
            return reverse("admin:payments_replayrun_change", args=[subject.run.pk])
        return reverse("admin:payments_webhookevent_changelist")

    def url_of_done(self, subject: ChosenEvents, token: str) -> str:
        """Return the page of the run that the form began, whose id its token is."""
        subject.run = runs.find_run(token)
        return self.url_of(subject)

    def act(self, subject: ChosenEvents, sent: Sent) -> str:
        """Begin the run."""
        subject.run = replay_runs.start_run(
            event_ids=subject.event_ids,
            asked_for=subject.asked_for,
            reason=sent.fields["reason"],
            key=sent.key,
            by=sent.by,
            request_id=sent.request_id,
            now=sent.now,
        )
        return f"The workers replay {_count(subject)}; you may close this page."


def _read_chosen(parameters: QueryDict) -> ChosenEvents:
    """Return the events that were ticked."""
    try:
        ids = [UUID(text) for text in dict.fromkeys(parameters.getlist(CHOSEN))]
    except ValueError as error:
        raise NothingChosenError("One of these is no event.") from error
    there = webhook_events.list_event_ids(EventFilter(ids=tuple(ids)), limit=replay_runs.LARGEST_RUN)
    if len(there) < len(ids):
        raise NothingChosenError("One of these events is not there, or they are too many.")
    kept = _keep_replayable(there)
    return ChosenEvents(kept, {"chosen": len(kept)}, left_out=len(there) - len(kept))


def _read_failed(text: str) -> ChosenEvents:
    """Return the events that failed in a run that has ended."""
    run = runs.find_run(text)
    if run is None:
        raise NothingChosenError("There is no such replay.")
    if not replay_runs.can_replay_failed(run):
        raise NothingChosenError("This replay goes on, or nothing failed in it.")
    failed = runs.list_failed_event_ids(run)
    kept = _keep_replayable(failed)
    return ChosenEvents(kept, {"failed_of": str(run.pk)}, left_out=len(failed) - len(kept))


def _keep_replayable(event_ids: list[UUID]) -> list[UUID]:
    events = replays.keep_replayable(WebhookEvent.objects.filter(pk__in=event_ids))
    kept = set(events.values_list("pk", flat=True))
    return [event_id for event_id in event_ids if event_id in kept]


def _read_matching(request: HttpRequest) -> ChosenEvents:
    """Return the events that the list shows under the same parameters, by the list's own filters."""
    parameters = request.GET.copy()
    until = _read_moment(parameters.pop(UNTIL, [""])[-1])
    parameters.pop(PAGE_VAR, None)
    listed = copy.copy(request)
    listed.GET = parameters  # type: ignore[assignment]  # -- Django's own views set it too
    try:
        changes = admin.site.get_model_admin(WebhookEvent).get_changelist_instance(listed)
        matching = changes.get_queryset(listed)
    except IncorrectLookupParameters as error:
        raise NothingChosenError("The list cannot be narrowed like this, so nothing was chosen.") from error
    if not matching.query.where:
        raise NothingChosenError("Choose events, or narrow the list down first: all there are is too much.")
    # By id, which is by age, and known to an index.
    meant = matching.filter(received_at__lte=until).order_by("pk")
    ids = list(replays.keep_replayable(meant).values_list("pk", flat=True)[: replay_runs.LARGEST_RUN + 1])
    narrowed = {name: text for name, text in parameters.items() if text and name not in _OF_THE_LIST}
    return ChosenEvents(
        ids[: replay_runs.LARGEST_RUN],
        {"filter": narrowed},
        has_more=len(ids) > replay_runs.LARGEST_RUN,
        left_out=replays.keep_unreplayable(meant).order_by()[: replay_runs.LARGEST_RUN + 1].count(),
    )


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NothingChosenError("Open this page from the list.") from error
    if moment.tzinfo is None:
        raise NothingChosenError("Open this page from the list.")
    return moment


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tell_under_way(count: int) -> Label:
    return Label(f"Another replay of {count:,} of them has begun", CARE, "They would be replayed once more after it.")


def _tell_left_out(count: int) -> Label:
    number = f"{count:,}" if count <= replay_runs.LARGEST_RUN else f"more than {replay_runs.LARGEST_RUN:,}"
    return Label(f"{number} that processing again could do nothing for: they stay as they are", CARE)


def _link_run(run: ReplayRun) -> str:
    return link(replay_wording.describe_run(run), reverse("admin:payments_replayrun_change", args=[run.pk]))


def _count(subject: ChosenEvents) -> str:
    count = len(subject.event_ids)
    return f"{count:,} event{'s' * (count != 1)}"


def tell_choice(asked_for: dict[str, Any]) -> str:
    """Return how events were chosen, as people say it."""
    if "failed_of" in asked_for:
        return "what failed in an earlier replay"
    if "filter" not in asked_for:
        return f"{asked_for.get('chosen', 'some')} ticked in the list"
    told = [f"{_NAMES.get(name, name.replace('_', ' '))} {text}" for name, text in asked_for["filter"].items()]
    return "all that match: " + ", ".join(told)

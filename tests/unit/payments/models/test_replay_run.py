"""What the database refuses of runs of replays and of their events."""

import pytest

from payments.models import ReplayRun
from tests.factories.payments import WebhookEventFactory
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.users import StaffFactory
from tests.unit.billing.models.raw_sql import Violation, insert, refused_by

pytestmark = pytest.mark.django_db

NOW = "2026-11-21 10:00:00+00"
DONE = {"state": "done", "ended_at": NOW, "processed": 3}
RUNS = [
    Violation("payments_replayrun_state_known", {"state": "paused", "ended_at": NOW}, DONE),
    Violation("payments_replayrun_says_why", {"reason": ""}, {"reason": "?"}),
    Violation("payments_replayrun_counts_add_up", {"total": 0}, {"total": 1}),
    Violation("payments_replayrun_counts_add_up", {"processed": -1}, {"processed": 0}),
    Violation("payments_replayrun_counts_add_up", {"failed": -1}, {"failed": 0}),
    Violation("payments_replayrun_counts_add_up", {"processed": 2, "failed": 2}, {"processed": 2, "failed": 1}),
    Violation("payments_replayrun_done_with_all", DONE | {"processed": 2}, DONE | {"processed": 2, "failed": 1}),
    Violation("payments_replayrun_ended_has_time", DONE | {"ended_at": None}, DONE),
    Violation("payments_replayrun_ended_has_time", {"ended_at": NOW}),
    Violation("payments_replayrun_stopped_says_who", {"state": "stopped", "ended_at": NOW}),
]
EVENTS = [
    Violation(
        "payments_replayrunevent_outcome_known",
        {"outcome": "lost", "ended_at": NOW},
        {"outcome": "failed", "ended_at": NOW},
    ),
    Violation("payments_replayrunevent_ended_has_time", {"outcome": "processed"}),
    Violation("payments_replayrunevent_ended_has_time", {"ended_at": NOW}, {"outcome": "waiting"}),
]


@pytest.fixture
def event():
    return ReplayRunEventFactory.build(run=ReplayRunFactory(), event=WebhookEventFactory())


@pytest.mark.parametrize("violation", RUNS, ids=str)
def test_run_against_a_rule_is_refused(violation):
    run = ReplayRunFactory.build(by=StaffFactory())

    with refused_by(violation.rule):
        insert(run, **violation.wrong)

    insert(run, **violation.right)


def test_run_that_was_stopped_by_nobody_or_not_at_all_is_refused():
    by = StaffFactory()
    run = ReplayRunFactory.build(by=by)

    with refused_by("payments_replayrun_stopped_says_who"):
        insert(run, stopped_by_id=by.pk)

    insert(run, stopped_by_id=by.pk, state="stopped", ended_at=NOW)


@pytest.mark.parametrize("violation", EVENTS, ids=str)
def test_event_of_a_run_against_a_rule_is_refused(violation, event):
    with refused_by(violation.rule):
        insert(event, **violation.wrong)

    insert(event, **violation.right)


def test_event_is_in_a_run_once(event):
    insert(event)
    again = ReplayRunEventFactory.build(run=event.run, event=event.event)

    with refused_by("payments_replayrunevent_once"):
        insert(again)

    insert(again, run_id=ReplayRunFactory().pk)


def test_place_in_a_run_is_taken_once(event):
    insert(event)
    other = ReplayRunEventFactory.build(run=event.run, event=WebhookEventFactory())

    with refused_by("payments_replayrunevent_position"):
        insert(other, position=event.position)

    insert(other)


def test_left_is_what_is_neither_processed_nor_failed():
    assert ReplayRun(total=7, processed=3, failed=1).left == 3

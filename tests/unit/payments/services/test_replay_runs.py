"""Runs of replays: each event once, whatever becomes of the workers."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from namaskah.errors import PermissionDeniedError
from payments import tasks
from payments.models import ReplayRun, ReplayRunEvent, WebhookAttempt, WebhookEvent
from payments.services import crediting, inbox, replay_runs, replays, webhooks
from payments.services.replay_runs import ReplayRunKeyReusedError, ReplayRunSizeError
from payments.services.replays import EventNotFoundError
from tests.factories.payments import WebhookEventFactory
from tests.factories.people import AgentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration import actors
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.replaying import attempts, audited, die_before, end_leases, outcomes, read, start
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(db):
    return AgentFactory(username="ada", permission="replay_event")


@pytest.fixture
def payments(sandbox):
    return [buy() for _ in range(3)]


@pytest.fixture
def dead(payments, sandbox):
    """The news that each was paid, all dead letters, in the order in which they came."""
    return [bury(told_events.pay(sandbox, payment)) for payment in payments]


def test_run_replays_each_event_once_in_their_order(ada, dead, payments):
    run = start(dead, ada)

    assert replay_runs.continue_runs() == 3

    assert read(run) == ("done", 3, 0, 0)
    assert outcomes(run) == ["processed"] * 3
    assert [balance(payment.user) for payment in payments] == [25, 25, 25]
    replayed = WebhookAttempt.objects.order_by("finished_at").values_list("event_id", "by__username", "reason")
    assert list(replayed) == [(event.pk, "ada", "The ledger is back.") for event in dead]
    assert replay_runs.continue_runs() == 0
    assert attempts() == 3


def test_start_run_and_each_replay_are_in_the_audit_log(ada, dead, payments):
    run = start(dead, ada, request_id="r-1")
    replay_runs.continue_runs()

    assert audited("webhook.replay_many") == [(str(run.pk), "done", "ada", "The ledger is back.")]
    assert audited("webhook.replay") == [
        (payment.reference, "done", "ada", "The ledger is back.") for payment in payments
    ]
    assert set(AuditEntry.objects.filter(action="webhook.replay").values_list("request_id", flat=True)) == {"r-1"}


def test_start_run_with_the_same_key_begins_one(ada, dead):
    key = uuid4()

    runs = actors.run_together([partial(start, dead, ada, key=key)] * 4)

    assert {run.pk for run in runs} == {key}
    assert (ReplayRun.objects.count(), ReplayRunEvent.objects.count()) == (1, 3)
    assert len(audited("webhook.replay_many")) == 1


def test_start_run_with_a_key_of_somebody_else_is_refused(ada, dead):
    run = start(dead, ada)

    with pytest.raises(ReplayRunKeyReusedError):
        start(dead, AgentFactory(permission="replay_event"), key=run.pk)

    assert ReplayRun.objects.count() == 1


def test_start_run_takes_an_event_that_is_named_twice_once(ada, dead):
    run = start([dead[1], dead[0], dead[1]], ada)

    assert list(run.events.order_by("position").values_list("event_id", flat=True)) == [dead[1].pk, dead[0].pk]
    assert run.total == 2


def test_start_run_without_permission_writes_nothing(dead):
    before = take_snapshot()

    with pytest.raises(PermissionDeniedError):
        start(dead, by := AgentFactory(permission="dismiss_event"))

    by.delete()
    assert take_snapshot() == before


def test_start_run_of_too_few_or_too_many_or_what_is_not_there_is_refused(ada, dead, monkeypatch):
    monkeypatch.setattr(replay_runs, "LARGEST_RUN", 2)

    for events, error in (([], ReplayRunSizeError), (dead, ReplayRunSizeError)):
        with pytest.raises(error):
            start(events, ada)
    with pytest.raises(EventNotFoundError):
        start([dead[0], WebhookEvent(id=uuid4())], ada)

    assert not ReplayRun.objects.exists()


def test_start_run_without_a_reason_is_refused_by_the_database(ada, dead):
    with pytest.raises(Exception, match="payments_replayrun_says_why"):
        start(dead, ada, reason="")

    assert not AuditEntry.objects.exists()


def test_what_fails_again_is_counted_with_its_error_and_the_rest_goes_on(ada, dead, payments):
    lost = WebhookEventFactory(status="dead", next_attempt_at=None)
    run = start([dead[0], lost, dead[1]], ada)

    replay_runs.continue_runs()

    assert read(run) == ("done", 2, 1, 0)
    failed = run.events.get(outcome="failed")
    assert (failed.event_id, failed.error_class) == (lost.pk, "UnknownReferenceError")
    assert [balance(payment.user) for payment in payments] == [25, 25, 0]


def test_what_cannot_be_replayed_is_refused_by_itself(ada, dead, payments):
    replays.dismiss_event(event_id=dead[0].pk, by=ada, reason="not ours")
    foreign = WebhookEventFactory(status="ignored", next_attempt_at=None, reference="shop-1")
    run = start([*dead, foreign], ada)

    replay_runs.continue_runs()

    assert read(run) == ("done", 2, 2, 0)
    assert list(run.events.filter(outcome="failed").order_by("position").values_list("error", flat=True)) == [
        "This event was dismissed.",
        "This event is about another product's payment.",
    ]
    refused = [entry for entry in audited("webhook.replay") if entry[1] == "refused"]
    assert [subject for subject, *_ in refused] == [payments[0].reference, "shop-1"]


def test_an_event_that_had_its_effect_and_fails_now_counts_as_failed(ada, dead, monkeypatch):
    replays.replay_event(event_id=dead[0].pk, by=ada, reason="first")
    run = start(dead[:1], ada)
    monkeypatch.setattr(crediting, "credit_payments", _refuse)

    replay_runs.continue_runs()

    assert read(run) == ("done", 0, 1, 0)
    assert WebhookEvent.objects.get(pk=dead[0].pk).status == "processed"


def test_a_worker_that_dies_before_the_effect_leaves_the_event_to_the_next(ada, dead, payments, monkeypatch):
    run = start(dead, ada)
    die_before(monkeypatch, webhooks, "process_webhook")
    assert read(run) == ("running", 0, 0, 3)

    assert replay_runs.continue_runs() == 2
    assert read(run) == ("running", 2, 0, 1)
    end_leases()
    assert replay_runs.continue_runs() == 1

    assert read(run) == ("done", 3, 0, 0)
    assert [balance(payment.user) for payment in payments] == [25, 25, 25]
    assert attempts() == 3


def test_a_worker_that_dies_after_the_effect_leaves_no_second_one(ada, dead, payments, monkeypatch):
    run = start(dead[:1], ada)
    die_before(monkeypatch, inbox, "log_attempt")
    assert (read(run), balance(payments[0].user), attempts()) == (("running", 0, 0, 1), 25, 0)

    end_leases()
    replay_runs.continue_runs()

    assert (read(run), balance(payments[0].user), attempts()) == (("done", 1, 0, 0), 25, 1)


@pytest.mark.parametrize("name", ["record_action", "_end"])
def test_attempt_audit_entry_and_progress_are_written_together_or_not_at_all(ada, dead, monkeypatch, name):
    run = start(dead[:1], ada)
    die_before(monkeypatch, replays if name == "record_action" else replay_runs, name)

    assert (read(run), attempts(), audited("webhook.replay")) == (("running", 0, 0, 1), 0, [])


def test_a_worker_that_dies_after_the_last_event_leaves_the_end_to_the_next(ada, dead, monkeypatch):
    run = start(dead, ada)
    die_before(monkeypatch, replay_runs, "_end_runs")
    assert read(run) == ("running", 3, 0, 0)

    assert replay_runs.continue_runs() == 0

    assert read(run) == ("done", 3, 0, 0)


def test_an_event_that_kills_its_worker_again_and_again_is_given_up(ada, dead, monkeypatch):
    run = start(dead[:1], ada)
    for _ in range(3):
        die_before(monkeypatch, webhooks, "process_webhook")
        end_leases()

    replay_runs.continue_runs()

    assert read(run) == ("done", 0, 1, 0)
    assert run.events.get().error_class == "WornOutReplayError"


def test_workers_at_once_replay_each_event_once(ada, dead, payments):
    run = start(dead, ada)

    taken = actors.run_together([replay_runs.continue_runs] * 4)

    assert sum(taken) == 3
    assert read(run) == ("done", 3, 0, 0)
    assert ([balance(payment.user) for payment in payments], attempts()) == ([25, 25, 25], 3)


def test_a_worker_that_is_overtaken_after_its_lease_writes_nothing(ada, dead, payments):
    run = start(dead[:1], ada)
    pause = actors.Pause('INSERT INTO "webhook_attempts"')
    slow = actors.start(pause.of(replay_runs.continue_runs))
    pause.wait_until_reached()
    end_leases()

    assert replay_runs.continue_runs() == 1
    pause.go_on()

    assert slow.result(actors.PATIENCE_SECONDS) == 1
    assert (read(run), attempts(), balance(payments[0].user)) == (("done", 1, 0, 0), 1, 25)
    assert len(audited("webhook.replay")) == 1


def test_an_event_that_a_worker_has_waits_for_it_and_holds_up_no_other(ada, dead, payments):
    WebhookEvent.objects.filter(pk=dead[0].pk).update(
        status="retrying", error_class="", next_attempt_at=timezone.now() + timedelta(seconds=20)
    )
    run = start(dead, ada)

    replay_runs.continue_runs()
    assert read(run) == ("running", 2, 0, 1)
    waiting = run.events.get(outcome="waiting")
    assert (waiting.claims, waiting.claimed_until > timezone.now() + timedelta(seconds=5)) == (0, True)

    end_leases()
    replay_runs.continue_runs()
    assert read(run) == ("done", 3, 0, 0)


def test_an_error_that_nobody_foresaw_is_noted_and_the_rest_goes_on(ada, dead, monkeypatch):
    run = start(dead, ada)
    monkeypatch.setattr(inbox, "claim_for_replay", _refuse)

    replay_runs.continue_runs()

    assert read(run) == ("done", 0, 3, 0)
    assert set(run.events.values_list("error_class", "error")) == {("ValueError", "still broken")}


def test_a_database_that_went_away_is_no_failure_of_the_event(ada, dead, monkeypatch):
    run = start(dead[:1], ada)

    def lose_connection(_event_id):
        connection.connection.close()
        WebhookEvent.objects.count()

    with monkeypatch.context() as away:
        away.setattr(inbox, "claim_for_replay", lose_connection)
        with pytest.raises(Exception, match="closed"):
            replay_runs.continue_runs()
    connection.close()
    assert read(run) == ("running", 0, 0, 1)

    end_leases()
    replay_runs.continue_runs()

    assert read(run) == ("done", 1, 0, 0)


def test_a_turn_ends_in_time_and_the_next_goes_on(ada, dead):
    run = start(dead, ada)

    assert replay_runs.continue_runs(limit_seconds=0) == 0
    assert read(run) == ("running", 0, 0, 3)
    tasks.continue_replays()

    assert read(run) == ("done", 3, 0, 0)


def test_the_oldest_run_comes_first(ada, dead):
    younger, older = start(dead[:1], ada), start(dead[1:], ada)
    ReplayRun.objects.filter(pk=older.pk).update(created_at=timezone.now() - timedelta(hours=1))

    replay_runs.continue_runs()

    first = WebhookAttempt.objects.order_by("finished_at").values_list("event_id", flat=True)
    assert list(first) == [dead[1].pk, dead[2].pk, dead[0].pk]
    assert (read(older)[0], read(younger)[0]) == ("done", "done")


def _refuse(*_arguments, **_options):
    raise ValueError("still broken")

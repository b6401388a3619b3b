"""Stopping a run of replays."""

from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.errors import PermissionDeniedError
from payments.selectors.replay_runs import ReplayRunNotFoundError
from payments.services import replay_runs
from payments.services.replay_runs import ReplayRunEndedError
from tests.factories.people import AgentFactory
from tests.integration import actors
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.replaying import attempts, audited, read, start
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


def test_stop_run_leaves_what_is_left(ada, dead, payments):
    run = start(dead, ada)

    stopped = replay_runs.stop_run(run_id=run.pk, by=ada, now=timezone.now())

    assert (stopped.state, stopped.stopped_by, stopped.left) == ("stopped", ada, 3)
    assert replay_runs.continue_runs() == 0
    assert [balance(payment.user) for payment in payments] == [0, 0, 0]
    assert audited("webhook.replay_stop") == [(str(run.pk), "done", "ada", "")]


def test_stop_run_lets_the_event_that_is_under_way_end(ada, dead, payments):
    run = start(dead, ada)
    pause = actors.Pause('INSERT INTO "webhook_attempts"')
    worker = actors.start(pause.of(replay_runs.continue_runs))
    pause.wait_until_reached()

    replay_runs.stop_run(run_id=run.pk, by=ada, now=timezone.now())
    pause.go_on()

    assert worker.result(actors.PATIENCE_SECONDS) == 1
    assert read(run) == ("stopped", 1, 0, 2)
    assert attempts() == 1


def test_stop_run_that_has_ended_is_refused(ada, dead):
    run = start(dead[:1], ada)
    replay_runs.continue_runs()

    with pytest.raises(ReplayRunEndedError):
        replay_runs.stop_run(run_id=run.pk, by=ada, now=timezone.now())

    assert audited("webhook.replay_stop") == []


def test_stop_run_twice_at_once_stops_it_once(ada, dead):
    run = start(dead, ada)

    ended = actors.run_together([partial(replay_runs.stop_run, run_id=run.pk, by=ada, now=timezone.now())] * 2)

    assert sorted(type(one).__name__ for one in ended) == ["ReplayRun", "ReplayRunEndedError"]
    assert len(audited("webhook.replay_stop")) == 1


def test_stop_run_by_whoever_may_not_or_of_none_is_refused(ada, dead):
    run = start(dead, ada)

    with pytest.raises(PermissionDeniedError):
        replay_runs.stop_run(run_id=run.pk, by=AgentFactory(permission=""), now=timezone.now())
    with pytest.raises(ReplayRunNotFoundError):
        replay_runs.stop_run(run_id=uuid4(), by=ada, now=timezone.now())

    assert read(run)[0] == "running"

import time

import pytest
import redis
from celery import current_app
from structlog.testing import capture_logs

from payments.services import nudges
from tests.processes.valkey import ValkeyServer
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def fresh_nudger(monkeypatch):
    monkeypatch.setattr(nudges, "_nudger", None)


@pytest.fixture
def broker(monkeypatch):
    """A broker of the test's own that may be stopped and frozen."""
    with ValkeyServer() as server:
        monkeypatch.setenv("CELERY_BROKER_URL", server.url)
        yield server


def queued(broker):
    with redis.Redis.from_url(broker.url) as connection:
        return connection.llen("celery")


def time_nudge():
    started = time.monotonic()
    nudges.nudge()
    return time.monotonic() - started


def test_nudge_queues_a_drain_that_soon_expires(broker):
    nudges.nudge()
    wait_until(lambda: queued(broker) == 1, seconds=5)

    with current_app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("celery", no_ack=True)

    assert message.headers["task"] == "payments.drain_inbox"
    assert message.headers["expires"] is not None
    assert message.headers["retries"] == 0


def test_nudge_many_become_few_messages(broker):
    for _ in range(200):
        nudges.nudge()

    wait_until(lambda: not nudges._nudger._due and queued(broker) >= 1, seconds=5)
    assert queued(broker) < 20


@pytest.mark.parametrize("take_away", ["stop", "freeze"])
def test_nudge_without_a_broker_returns_at_once_and_says_so_in_the_log(broker, take_away):
    getattr(broker, take_away)()

    with capture_logs() as lines:
        seconds = [time_nudge() for _ in range(3)]
        wait_until(lambda: lines, seconds=3)

    assert max(seconds) < 0.05
    assert (lines[0]["event"], lines[0]["log_level"]) == ("nudge_lost", "warning")


def test_nudge_arrives_again_once_the_broker_is_back(broker):
    broker.stop()
    with capture_logs() as lines:
        nudges.nudge()
        wait_until(lambda: lines, seconds=10)
    broker.start()

    nudges.nudge()

    wait_until(lambda: queued(broker) == 1, seconds=10)


def test_nudge_after_a_fork_has_a_thread_of_its_own(broker):
    nudges.nudge()
    inherited = nudges._nudger
    # What a child finds after the fork: its parent's nudger, without its thread.
    inherited.pid -= 1

    nudges.nudge()

    assert nudges._nudger is not inherited


def test_nudge_for_later_is_published_then_and_holds_up_no_other(broker):
    nudges.nudge(after_seconds=0.4)
    nudges.nudge(after_seconds=3600)
    nudges.nudge()
    wait_until(lambda: queued(broker) == 1, seconds=5)
    first = time.monotonic()

    wait_until(lambda: queued(broker) == 2, seconds=5)

    assert time.monotonic() - first > 0.1
    assert len(nudges._nudger._due) == 1

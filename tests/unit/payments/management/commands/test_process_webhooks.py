import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from payments.models import WebhookEvent
from payments.services import inbox
from tests.factories.payments import WebhookEventFactory
from tests.integration import actors
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.queue_clock import make_due
from tests.unit.payments.services.told_events import bury, buy
from tests.waiting import wait_until

from .outcomes import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

PROCESS = "process_webhooks"
NONE_DEAD = {"new_dead": 0, "dead": 0, "oldest_dead_at": None}


@pytest.fixture
def payment(sandbox):
    return buy()


def test_process_drains_what_is_due(payment, sandbox):
    told_events.pay(sandbox, payment)

    assert run(PROCESS) == (0, ["1 taken up, 0 waiting for a retry, 0 more dead."])
    assert balance(payment.user) == 25


def test_process_of_an_empty_inbox():
    assert run(PROCESS) == (0, ["0 taken up, 0 waiting for a retry, 0 more dead."])


def test_process_leaves_retries_to_their_time(payment, sandbox):
    told_events.pay(sandbox, payment)
    WebhookEventFactory()

    assert run_json(PROCESS) == (0, [{"taken": 2, "due": 1, **NONE_DEAD}])


def test_process_that_makes_a_dead_letter_says_so(payment, sandbox):
    oldest = WebhookEventFactory()
    bury(oldest)
    told_events.pay(sandbox, payment)
    WebhookEventFactory(body=b'{"event": "charge.success"}')

    assert run_json(PROCESS) == (
        1,
        [{"taken": 2, "due": 0, "new_dead": 1, "dead": 2, "oldest_dead_at": str(oldest.received_at)}],
    )
    assert run(PROCESS) == (
        0,
        [
            "0 taken up, 0 waiting for a retry, 0 more dead.",
            f"2 dead in all, the oldest received at {oldest.received_at:%Y-%m-%d %H:%M} UTC.",
        ],
    )


def test_process_does_not_count_what_died_elsewhere_meanwhile(payment, sandbox):
    told_events.pay(sandbox, payment)
    elsewhere = WebhookEventFactory(status="retrying", attempts=1, next_attempt_at=timezone.now() + timedelta(hours=1))
    pause = actors.Pause("UPDATE webhook_events AS kept SET status = 'processed'")

    def die_elsewhere():
        pause.wait_until_reached()
        bury(elsewhere)
        pause.go_on()

    worker = actors.start(die_elsewhere)
    status, [told] = pause.of(run_json)(PROCESS)

    assert worker.exception(actors.PATIENCE_SECONDS) is None
    assert (status, told["taken"], told["new_dead"], told["dead"]) == (0, 1, 0, 1)


def test_process_counts_its_dead_of_every_kind(sandbox):
    """One that fails for good, one that has no attempt left, and one that kept killing its worker."""
    WebhookEventFactory(body=b'{"event": "charge.success"}')
    make_due_again = {"status": "retrying", "next_attempt_at": timezone.now() - timedelta(seconds=1)}
    WebhookEventFactory(attempts=3, **make_due_again)
    WebhookEventFactory(attempts=4, **make_due_again)

    status, [told] = run_json(PROCESS)

    assert (status, told["taken"], told["new_dead"], told["dead"]) == (1, 3, 3, 3)


def test_process_asks_nothing_that_reads_the_whole_inbox(payment, sandbox, django_assert_max_num_queries):
    """With millions of events behind it, counting those that are done would take longer than draining."""
    told_events.pay(sandbox, payment)

    with django_assert_max_num_queries(100) as captured:
        run(PROCESS)

    counts = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert len(counts) == 2
    assert not any("processed" in sql or "GROUP BY" in sql for sql in counts)


def test_process_follows_what_comes_in_until_it_is_stopped(payment, sandbox, monkeypatch):
    monkeypatch.setattr("payments.management.commands.process_webhooks._IDLE_SECONDS", 0.02)
    late = buy()
    told_events.pay(sandbox, payment)

    def follow():
        wait_until(lambda: _is_processed(payment), seconds=10)
        told_events.pay(sandbox, late)
        wait_until(lambda: _is_processed(late), seconds=10)
        os.kill(os.getpid(), signal.SIGTERM)

    follower = actors.start(follow)

    assert run(PROCESS, "--follow") == (0, ["2 taken up, 0 waiting for a retry, 0 more dead."])
    assert follower.exception(actors.PATIENCE_SECONDS) is None
    assert [balance(paid.user) for paid in (payment, late)] == [25, 25]


def test_process_goes_on_where_another_left_off(payment, sandbox):
    event = told_events.pay(sandbox, payment)
    inbox.claim_charges()

    assert run_json(PROCESS) == (0, [{"taken": 0, "due": 1, **NONE_DEAD}])
    make_due()
    assert run_json(PROCESS) == (0, [{"taken": 1, "due": 0, **NONE_DEAD}])
    assert WebhookEvent.objects.get(pk=event.pk).status == "processed"


def _is_processed(payment):
    return WebhookEvent.objects.filter(reference=payment.reference, status="processed").exists()

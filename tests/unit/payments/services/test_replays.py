from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_redis import get_redis_connection

from billing.models import Transaction
from payments.gateways.paystack import connections
from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import crediting, inbox, replays, webhook_ingest, webhooks
from payments.services.replays import (
    EventBusyError,
    EventNotDismissibleError,
    EventNotFoundError,
    EventNotReplayableError,
)
from tests.factories.payments import WebhookEventFactory
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance, is_untouched
from tests.unit.payments.services.queue_clock import make_due
from tests.unit.payments.services.told_events import bury, buy, read_books

pytestmark = pytest.mark.django_db(transaction=True)

replay = partial(replays.replay_event, by=None, reason="repaired")


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def event(payment, sandbox):
    """The news that the payment was paid, due now."""
    return told_events.pay(sandbox, payment)


def logged():
    """Return what the attempts tell, in the order of their ends."""
    columns = ("outcome", "trigger", "by__username", "reason", "error_class")
    return list(WebhookAttempt.objects.order_by("finished_at").values_list(*columns))


def statuses():
    return list(WebhookEvent.objects.order_by("received_at").values_list("status", flat=True))


@pytest.mark.parametrize(
    ("fields", "is_replayable"),
    [
        ({}, True),
        ({"status": EventStatus.QUARANTINED}, True),
        ({"event_type": "transfer.success"}, False),
        ({"event_type": ""}, False),
        ({"reference": ""}, False),
        ({"reference": "shop-1"}, False),
        ({"status": EventStatus.DISMISSED}, False),
    ],
)
def test_what_can_be_replayed_is_the_same_for_one_and_for_many(fields, is_replayable):
    event = WebhookEventFactory(**{"status": EventStatus.DEAD, "next_attempt_at": None} | fields)
    events = WebhookEvent.objects.all()

    assert replays.is_replayable(event) is is_replayable
    assert list(replays.keep_replayable(events)) == [event] * is_replayable
    assert list(replays.keep_unreplayable(events)) == [event] * (not is_replayable)


def test_replay_of_a_dead_letter_has_its_effect_once(payment, event):
    bury(event)
    staff = StaffFactory(username="ada")

    result = replays.replay_event(event_id=event.pk, by=staff, reason="the ledger is back")

    event.refresh_from_db()
    assert result == replays.ReplayResult(event.pk, "processed")
    assert (event.status, event.payment_id, event.next_attempt_at) == ("processed", payment.pk, None)
    assert (event.error_class, event.error) == ("", "")
    assert balance(payment.user) == 25
    assert logged() == [("processed", "replay", "ada", "the ledger is back", "")]


@pytest.mark.parametrize("story", told_events.STORIES)
def test_replay_of_what_had_its_effect_changes_nothing_and_leaves_an_attempt(story, payment, sandbox):
    event = story(sandbox, payment)
    webhooks.drain_inbox()
    assert statuses() == ["processed"]
    before = read_books()

    results = [replay(event_id=event.pk), replay(event_id=event.pk)]

    assert read_books() == before
    assert [result.status for result in results] == ["processed", "processed"]
    assert logged() == [("processed", "replay", None, "repaired", "")] * 2


@pytest.mark.parametrize("story", told_events.STORIES)
def test_replay_of_a_dead_letter_does_what_the_worker_would_have_done(story, payment, sandbox):
    dead = bury(story(sandbox, payment))
    first = replay(event_id=dead.pk)
    after_one = read_books()

    second = replay(event_id=dead.pk)

    stored = type(payment).objects.get(pk=payment.pk)
    worked = {
        "pay": ("completed", 25, 1),
        "decline": ("failed", 0, 0),
        "refund": ("completed", 15, 2),
        "dispute": ("completed", 25, 1),
        "lose_dispute": ("completed", 0, 2),
    }
    entries = Transaction.objects.filter(user=payment.user).count()
    assert (stored.state, balance(payment.user), entries) == worked[story.__name__]
    assert (first.status, second.status, read_books() == after_one) == ("processed", "processed", True)


def test_replay_that_fails_again_is_a_dead_letter_with_its_body(payment, event, monkeypatch):
    bury(event)
    with monkeypatch.context() as broken:
        broken.setattr(crediting, "credit_payments", _refuse)
        result = replay(event_id=event.pk)

    kept = WebhookEvent.objects.get()
    assert result == replays.ReplayResult(event.pk, "dead", "ValueError", "still broken")
    assert (kept.status, kept.error_class, kept.error) == ("dead", "ValueError", "still broken")
    assert kept.next_attempt_at is None
    assert bytes(kept.body) == bytes(event.body)
    assert is_untouched(payment)
    assert logged() == [("dead", "replay", None, "repaired", "ValueError")]


def test_replay_while_the_gateway_is_away_is_a_dead_letter_that_can_be_replayed(payment, sandbox, settings):
    dead = bury(told_events.refund(sandbox, payment))
    url, settings.PAYSTACK_BASE_URL = settings.PAYSTACK_BASE_URL, "http://127.0.0.1:1"
    connections.close_connections()

    assert replay(event_id=dead.pk).error_class == "UnavailableError"
    assert is_untouched(payment)

    settings.PAYSTACK_BASE_URL = url
    connections.close_connections()
    assert replay(event_id=dead.pk).status == "processed"
    assert balance(payment.user) == 15


def test_replay_does_not_wait_for_the_time_of_a_retry(payment, event):
    [claimed] = inbox.claim_charges()
    inbox.schedule_retry(claimed, inbox.Failure(error_class="SomeError", error="it did not work"))

    assert replay(event_id=event.pk).status == "processed"
    assert balance(payment.user) == 25


def test_replay_of_an_event_in_quarantine_is_judged_as_any_other(payment, event):
    WebhookEvent.objects.update(status=EventStatus.QUARANTINED, error_class="wrong_domain", next_attempt_at=None)

    assert replay(event_id=event.pk).status == "processed"
    assert balance(payment.user) == 25


def test_replay_of_nothing():
    with pytest.raises(EventNotFoundError):
        replay(event_id=uuid4())


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"status": "dismissed"}, "This event was dismissed."),
        ({"status": "quarantined", "event_type": "", "reference": ""}, "an unreadable body"),
        ({"status": "quarantined", "reference": ""}, "This event names no payment that can be read"),
        ({"status": "ignored", "event_type": "transfer.success"}, "This event is transfer.success"),
        ({"status": "ignored", "reference": "shop-77"}, "another product's payment"),
    ],
)
def test_replay_of_what_cannot_have_an_effect_is_refused(columns, told):
    event = WebhookEventFactory(next_attempt_at=None, **columns)
    before = WebhookEvent.objects.values().get()

    with pytest.raises(EventNotReplayableError, match=told):
        replay(event_id=event.pk)

    assert WebhookEvent.objects.values().get() == before
    assert logged() == []


def test_replay_while_a_worker_has_the_event_is_refused(event):
    inbox.claim_charges()

    with pytest.raises(EventBusyError, match="look again in half a minute"):
        replay(event_id=event.pk)


def test_replay_while_a_worker_is_at_a_later_attempt_is_refused(event):
    """Its error of the first attempt must not make it look as if it waited for its retry."""
    [claimed] = inbox.claim_charges()
    inbox.schedule_retry(claimed, inbox.Failure(error_class="SomeError", error="it did not work"))
    make_due()
    assert inbox.claim_other().attempts == 2

    with pytest.raises(EventBusyError):
        replay(event_id=event.pk)


def test_replay_while_another_transaction_holds_the_event_is_refused_at_once(event):
    bury(event)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get(pk=event.pk)
        [error] = actors.run_together([lambda: replay(event_id=event.pk)])

    assert isinstance(error, EventBusyError)


def test_replay_of_one_dead_letter_by_two_persons_at_once_is_done_by_one(payment, event):
    bury(event)
    pause = actors.Pause("UPDATE wallets")
    first = actors.start(pause.of(partial(replay, event_id=event.pk)))
    pause.wait_until_reached()

    with pytest.raises(EventBusyError):
        replay(event_id=event.pk)
    pause.go_on()

    assert first.result(actors.PATIENCE_SECONDS).status == "processed"
    assert balance(payment.user) == 25
    assert len(logged()) == 1


def test_replay_of_a_payment_that_is_worked_on_elsewhere_is_left_to_the_workers(payment, event, settings):
    settings.PAYMENT_LOCK_REQUEST_WAIT_SECONDS = 0.1
    bury(event)
    locks = get_redis_connection("locks")
    locks.set(f"payment_lock:{payment.reference}", "another", px=30_000)

    result = replay(event_id=event.pk)

    assert (result.status, result.error_class, statuses()) == ("retrying", "PaymentBusyError", ["retrying"])
    assert logged() == [("retrying", "replay", None, "repaired", "PaymentBusyError")]

    locks.delete(f"payment_lock:{payment.reference}")
    make_due()
    webhooks.drain_inbox()
    assert (statuses(), balance(payment.user)) == (["processed"], 25)


@pytest.mark.parametrize("statement", ["UPDATE wallets", "UPDATE webhook_events AS", 'INSERT INTO "webhook_attempts"'])
def test_replay_that_dies_is_ended_by_a_worker(payment, event, statement):
    bury(event)

    with pytest.raises(SystemExit), connection.execute_wrapper(_die_at(statement)):
        replay(event_id=event.pk)
    make_due()
    webhooks.drain_inbox()

    assert statuses() == ["processed"]
    assert balance(payment.user) == 25


def test_replay_log_numbers_go_on_from_the_attempts_before(event):
    [claimed] = inbox.claim_charges()
    inbox.schedule_retry(claimed, inbox.Failure(error_class="SomeError", error="it did not work"))

    replay(event_id=event.pk)
    replay(event_id=event.pk)

    numbers = WebhookAttempt.objects.order_by("finished_at").values_list("number", "outcome")
    assert list(numbers) == [(1, "retrying"), (2, "processed"), (3, "processed")]


def test_dismiss_gives_a_dead_letter_up_and_keeps_its_body(event):
    bury(event)
    staff = StaffFactory(username="ada")

    replays.dismiss_event(event_id=event.pk, by=staff, reason="paid in cash")

    kept = WebhookEvent.objects.get()
    assert (kept.status, kept.next_attempt_at, kept.error_class) == ("dismissed", None, "SomeError")
    assert bytes(kept.body) == bytes(event.body)
    assert logged() == [("dismissed", "dismissal", "ada", "paid in cash", "")]


def test_dismiss_of_quarantine():
    event = WebhookEventFactory(status="quarantined", event_type="", reference="", body=b"\xff", next_attempt_at=None)

    replays.dismiss_event(event_id=event.pk, by=None, reason="noise")

    assert WebhookEvent.objects.values_list("status", flat=True).get() == "dismissed"
    assert bytes(WebhookEvent.objects.get().body) == b"\xff"


@pytest.mark.parametrize("status", sorted(set(EventStatus) - {EventStatus.DEAD, EventStatus.QUARANTINED}))
def test_dismiss_of_what_waits_for_nobody_is_refused(status):
    now = timezone.now()
    event = WebhookEventFactory(status=status, processed_at=now, next_attempt_at=now + timedelta(minutes=1))

    with pytest.raises(EventNotDismissibleError, match=f"This event is {status}"):
        replays.dismiss_event(event_id=event.pk, by=None, reason="noise")

    assert (statuses(), logged()) == ([status], [])


def test_dismiss_of_nothing():
    with pytest.raises(EventNotFoundError):
        replays.dismiss_event(event_id=uuid4(), by=None, reason="noise")


def test_dismissed_event_that_is_delivered_again_stays_dismissed(payment, event):
    bury(event)
    replays.dismiss_event(event_id=event.pk, by=None, reason="paid in cash")

    webhook_ingest.ingest(bytes(event.body))
    webhooks.drain_inbox()

    assert statuses() == ["dismissed"]
    assert is_untouched(payment)


def _refuse(*_args, **_kwargs):
    raise ValueError("still broken")


def _die_at(statement):
    def execute_or_die(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(statement):
            raise SystemExit
        return result

    return execute_or_die


def test_replay_of_a_processed_event_that_fails_leaves_it_processed(sandbox, payment):
    """It had its effect; that the gateway is away now changes nothing about that."""
    event = WebhookEventFactory(event_type="charge.failed", reference=payment.reference)
    sandbox.pay(payment.reference, outcome="failed")
    assert replay(event_id=event.pk).status == EventStatus.PROCESSED
    sandbox.script(operation="verify", fault="http_500", times=None)

    result = replay(event_id=event.pk)

    event.refresh_from_db()
    assert (result.status, result.error_class) == (EventStatus.PROCESSED, "UnavailableError")
    assert (event.status, event.next_attempt_at) == (EventStatus.PROCESSED, None)
    assert event.attempt_log.count() == 2

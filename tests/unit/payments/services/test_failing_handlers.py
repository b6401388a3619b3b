"""Events whose processing fails: when they are tried again, what becomes of them, and of the events beside them."""

import time

import pytest

from payments.lifecycles import EventStatus
from payments.models import PaymentLog, WebhookAttempt, WebhookEvent
from payments.selectors import backlogs
from payments.services import crediting, disputes, gateway_calls, refund_reports, replays, webhook_ingest, webhooks
from tests.events import charge_success
from tests.factories.payments import PaymentFactory
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import buy, read_books
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ALWAYS = 99
WAITS = [1, 2, 4]
_INNOCENT_EVERY_SECONDS = 0.25
KINDS = (told_events.pay, told_events.decline, told_events.refund, told_events.dispute)


@pytest.fixture
def broken(monkeypatch):
    """By reference, at how many attempts the handlers of an event fail."""
    failures = {}

    def breaking(handler, find_references):
        def handle(*args, **kwargs):
            for reference in find_references(*args, **kwargs):
                attempt = WebhookEvent.objects.get(reference=reference).attempts
                if attempt <= failures.get(reference, 0):
                    raise ValueError("broken on purpose")
            return handler(*args, **kwargs)

        return handle

    def of_batch(requests, **_):
        return [request.evidence.reference for request in requests]

    def of_payment(*, payment_id, **_):
        return PaymentLog.objects.filter(pk=payment_id).values_list("reference", flat=True)

    def of_dispute(*, gateway_dispute_id, **_):
        return WebhookEvent.objects.filter(object_id=gateway_dispute_id).values_list("reference", flat=True)

    for module, name, find_references in (
        (crediting, "credit_payments", of_batch),
        (gateway_calls, "ask_about", lambda reference, **_: [reference]),
        (refund_reports, "sync_refunds", of_payment),
        (disputes, "sync_dispute", of_dispute),
    ):
        monkeypatch.setattr(module, name, breaking(getattr(module, name), find_references))
    return failures


@pytest.fixture
def drain_until_done():
    """Return how to drain until nothing waits, with an innocent event now and then.

    It returns those, and how many seconds the longest turn took: what falls due in a turn waits for the next one.
    """

    def drain():
        innocents = []
        last = float("-inf")
        longest = 0.0

        def turn():
            nonlocal last, longest
            began = time.monotonic()
            # Not at every turn: a retry that falls due meanwhile would wait for the making of them.
            if time.monotonic() - last >= _INNOCENT_EVERY_SECONDS:
                last = time.monotonic()
                innocents.append(_deliver_innocent())
            webhooks.drain_inbox()
            # Whatever else fails, it had its effect in the drain that followed it.
            assert _read(innocents[-1]).status == EventStatus.PROCESSED
            longest = max(longest, time.monotonic() - began)
            return backlogs.measure_backlog().due_events.count == 0

        wait_until(turn, seconds=30)
        return innocents, longest

    return drain


# Few events at a time and nothing beside them: what waits for another's turn waits longer than a fifth of a second.
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("times", [1, 2, ALWAYS])
def test_handler_that_fails_is_tried_again_after_one_two_and_four_seconds(sandbox, broken, drain_until_done, times):
    events = [story(sandbox, buy()) for story in KINDS]
    broken.update((event.reference, times) for event in events)

    innocents, turn = drain_until_done()

    for event in events:
        starts, ends = _list_attempts(event.pk)
        waited = [(start - end).total_seconds() for end, start in zip(ends, starts[1:], strict=False)]
        expected = WAITS[:times]
        assert len(waited) == len(expected)
        # Within a fifth, on a machine that does not stop for longer than that.
        late = [actual - wait for wait, actual in zip(expected, waited, strict=True)]
        assert all(0 <= over <= max(0.2 * wait, 2 * turn) for wait, over in zip(expected, late, strict=True)), waited
        assert _read(event.pk).status == (EventStatus.DEAD if times == ALWAYS else EventStatus.PROCESSED)
    latencies = [event.processed_at - event.received_at for event in map(_read, innocents)]
    assert max(latencies).total_seconds() < WAITS[0]


def test_handler_that_always_fails_leaves_a_dead_letter_to_replay(sandbox, broken, drain_until_done, settings):
    settings.WEBHOOK_RETRY_SECONDS = [0.01, 0.01, 0.01]
    dead = {}
    for story in KINDS:
        payment = buy()
        event = story(sandbox, payment)
        broken[event.reference] = ALWAYS
        dead[event.pk] = (payment, bytes(event.body))
    drain_until_done()

    for pk, (_, body) in dead.items():
        event = _read(pk)
        assert (event.status, event.error_class, bytes(event.body)) == ("dead", "ValueError", body)
        outcomes = event.attempt_log.order_by("number").values_list("number", "outcome", "trigger", "error")
        assert list(outcomes) == [
            (1, "retrying", "worker", "broken on purpose"),
            (2, "retrying", "worker", "broken on purpose"),
            (3, "retrying", "worker", "broken on purpose"),
            (4, "dead", "worker", "broken on purpose"),
        ]
    assert [balance(payment.user) for payment, _ in dead.values()] == [0, 0, 0, 0]

    broken.clear()
    for pk in dead:
        assert replays.replay_event(event_id=pk, by=None, reason="repaired").status == "processed"

    after_one = read_books()
    assert [balance(payment.user) for payment, _ in dead.values()] == [25, 0, 15, 25]
    for pk in dead:
        assert replays.replay_event(event_id=pk, by=None, reason="once more").status == "processed"
    assert read_books() == after_one


def _list_attempts(pk):
    """Return when the attempts at an event began, and when those that failed ended."""
    attempts = list(WebhookAttempt.objects.filter(event=pk).order_by("number"))
    starts = [attempt.started_at for attempt in attempts]
    processed_at = _read(pk).processed_at
    return starts + ([processed_at] if processed_at else []), [attempt.finished_at for attempt in attempts]


def _deliver_innocent():
    payment = PaymentFactory()
    number = payment.pk.int % 2**62 + 1
    raw = charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=number)
    webhook_ingest.ingest(raw)
    return WebhookEvent.objects.values_list("pk", flat=True).get(reference=payment.reference)


def _read(pk):
    return WebhookEvent.objects.get(pk=pk)

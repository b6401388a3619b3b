"""What waits for the gateway holds up one worker, and nothing that needs no gateway."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import tasks
from payments.models import WebhookEvent
from payments.services import inbox, webhook_ingest, webhooks
from payments.services.slow_lane import enter_slow_lane
from tests.events import charge_success
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.unit.payments.services.purchases import balance

pytestmark = pytest.mark.django_db(transaction=True)


def test_enter_slow_lane_lets_one_in():
    with enter_slow_lane() as first, enter_slow_lane() as second:
        assert (first, second) == (True, False)

    with enter_slow_lane() as again:
        assert again is True


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("check_payments", "janitor.check_payments"),
        ("follow_up_refunds", "refund_follow_up.follow_up_refunds"),
        ("drain_others", "webhooks.drain_others"),
        ("continue_replays", "replay_runs.continue_runs"),
    ],
)
def test_task_does_nothing_while_another_is_in_the_lane(monkeypatch, task, name):
    module, function = name.split(".")
    calls = []
    monkeypatch.setattr(getattr(tasks, module), function, lambda: calls.append(name))

    with enter_slow_lane():
        getattr(tasks, task)()
    assert calls == []

    getattr(tasks, task)()
    assert calls == [name]


def test_drain_inbox_of_charges_leaves_what_may_wait_for_the_gateway():
    payment = PaymentFactory()
    other = WebhookEventFactory(event_type="refund.processed")
    webhook_ingest.ingest(
        charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=1)
    )
    assert inbox.is_other_due()

    assert webhooks.drain_inbox(charges_only=True) is False

    assert balance(payment.user) == 25
    assert WebhookEvent.objects.get(pk=other.pk).attempts == 0


def test_is_other_due_knows_what_claim_other_takes():
    WebhookEventFactory()
    WebhookEventFactory(event_type="refund.processed", next_attempt_at=timezone.now() + timedelta(hours=1))
    assert not inbox.is_other_due()

    tried = WebhookEventFactory(attempts=1)
    assert inbox.is_other_due()
    assert inbox.claim_other() == tried


def test_drain_others_ends_after_one_that_took_long(monkeypatch):
    monkeypatch.setattr(webhooks, "_LONG_SECONDS", 0.0)
    for _ in range(2):
        WebhookEventFactory(event_type="refund.processed")

    assert webhooks.drain_others() is False
    assert sorted(WebhookEvent.objects.values_list("attempts", flat=True)) == [0, 1]

    monkeypatch.setattr(webhooks, "_LONG_SECONDS", 5.0)
    assert webhooks.drain_others() is False
    assert sorted(WebhookEvent.objects.values_list("attempts", flat=True)) == [1, 1]

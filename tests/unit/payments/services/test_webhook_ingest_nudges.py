"""Events about refunds and disputes: they only say when to ask, so the same bytes again may mean something new."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.services import inbox, webhook_ingest
from tests.events import charge_success, sign
from tests.unit.payments.services.queue_clock import make_due
from tests.unit.payments.webhooks import samples
from tests.unit.payments.webhooks.odd_bodies import REFERENCE

REFUND = json.dumps(
    {"event": "refund.processed", "data": {"transaction_reference": REFERENCE, "domain": "test", "amount": "4125000"}}
).encode()
DISPUTE = json.dumps(
    {
        "event": "charge.dispute.remind",
        "data": {"id": 4_471_902, "domain": "test", "transaction": {"reference": REFERENCE}},
    }
).encode()


def end(status, *, attempts=3):
    """Let the only event end in `status`, tried so often."""
    now = timezone.now()
    WebhookEvent.objects.update(status=status, attempts=attempts, processed_at=now, next_attempt_at=None)


@pytest.mark.django_db
def test_ingest_refund_events_without_an_id_are_not_taken_for_one():
    webhook_ingest.ingest(samples.load("refund.pending"))
    webhook_ingest.ingest(samples.load("refund.pending").replace(b"NGN", b"GHS"))

    assert list(WebhookEvent.objects.values_list("object_id", "deliveries")) == [(0, 1), (0, 1)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("raw", [REFUND, DISPUTE])
def test_ingest_refund_or_dispute_that_was_processed_is_due_again(raw):
    """Its truth is the gateway's, and may have moved since the same bytes came first."""
    webhook_ingest.ingest(raw)
    end(EventStatus.PROCESSED)

    assert webhook_ingest.ingest(raw) is True

    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts, event.deliveries) == ("received", 0, 2)
    # Not at once: the same bytes again and again must not ask the gateway each time.
    assert event.next_attempt_at == event.processed_at + timedelta(seconds=10)
    assert inbox.claim_other() is None
    make_due()
    assert inbox.claim_other() == event


@pytest.mark.django_db
def test_ingest_charge_that_was_processed_is_done():
    """It carried its own proof, and had its effect."""
    raw = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
    webhook_ingest.ingest(raw)
    end(EventStatus.PROCESSED)

    webhook_ingest.ingest(raw)

    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts, event.deliveries, event.next_attempt_at) == ("processed", 3, 2, None)


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [REFUND, DISPUTE])
@pytest.mark.parametrize("status", [EventStatus.DEAD, EventStatus.DISMISSED, EventStatus.IGNORED])
def test_ingest_refund_or_dispute_that_a_person_decides_about_stays_where_it_is(raw, status):
    webhook_ingest.ingest(raw)
    end(status)

    webhook_ingest.ingest(raw)

    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts, event.deliveries, event.next_attempt_at) == (status, 3, 2, None)


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [REFUND, DISPUTE])
def test_ingest_refund_or_dispute_that_waits_for_its_retry_goes_on_waiting(raw):
    webhook_ingest.ingest(raw)
    later = timezone.now() + timedelta(seconds=4)
    WebhookEvent.objects.update(status=EventStatus.RETRYING, attempts=3, next_attempt_at=later)

    webhook_ingest.ingest(raw)

    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts, event.deliveries, event.next_attempt_at) == ("retrying", 3, 2, later)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("refund.processed", {"domain": "test"}),
        ("refund.failed", {"transaction_reference": None, "reference": REFERENCE}),
        ("refund.pending", {"transaction_reference": "two words"}),
        ("charge.dispute.create", {"id": 4_471_902}),
        ("charge.dispute.remind", {"id": 4_471_902, "transaction": REFERENCE}),
        ("charge.dispute.resolve", {"id": 4_471_902, "transaction": {"reference": 7}, "reference": REFERENCE}),
    ],
)
def test_ingest_refund_or_dispute_without_a_reference_is_quarantined_and_answered_200(event_type, data):
    raw = json.dumps({"event": event_type, "data": data}).encode()

    answer = Client().post(
        "/api/v1/payments/paystack/webhook",
        raw,
        content_type="application/json",
        headers={"x-paystack-signature": sign(raw)},
    )

    event = WebhookEvent.objects.get()
    assert answer.status_code == 200
    assert (event.status, event.error_class, event.reference) == ("quarantined", "no_reference", "")
    assert (bytes(event.body), event.next_attempt_at) == (raw, None)


@pytest.mark.django_db
def test_ingest_dispute_is_stored_under_the_reference_of_its_payment_and_its_own_number():
    assert webhook_ingest.ingest(DISPUTE) is True

    event = WebhookEvent.objects.get()
    assert (event.event_type, event.reference, event.object_id) == ("charge.dispute.remind", REFERENCE, 4_471_902)
    assert event.status == "received"

"""What the database refuses of webhook events and of the attempts at them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.identifiers import new_id
from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from tests.factories.payments import WebhookAttemptFactory, WebhookEventFactory
from tests.unit.billing.models.raw_sql import Violation, delete, execute, insert, refused_by, truncate, update

pytestmark = pytest.mark.django_db

NOW = timezone.now()
EVENTS = [
    Violation("payments_webhookevent_status_known", {"status": "done"}, {"status": "dead"}),
    Violation("payments_webhookevent_status_known", {"status": ""}, {"status": "dismissed"}),
    Violation("payments_webhookevent_due_has_time", {"status": "received", "next_attempt_at": None}),
    Violation(
        "payments_webhookevent_due_has_time",
        {"status": "retrying", "next_attempt_at": None},
        {"status": "ignored", "next_attempt_at": None},
    ),
    Violation(
        "payments_webhookevent_processed_has_time",
        {"status": "processed"},
        {"status": "processed", "processed_at": NOW},
    ),
    Violation("payments_webhookevent_deliveries_positive", {"deliveries": 0}, {"deliveries": 1}),
    Violation("webhook_events_attempts_check", {"attempts": -1}, {"attempts": 0}),
]
ATTEMPTS = [
    Violation(
        "payments_webhookattempt_ends_after_start",
        {"started_at": NOW, "finished_at": NOW - timedelta(microseconds=1)},
        {"started_at": NOW, "finished_at": NOW},
    ),
    Violation("webhook_attempts_number_check", {"number": -1}, {"number": 0}),
]
UNKEPT = ("webhook_events_keep_body", "UPDATE on webhook_events is refused: its rows are append-only")


@pytest.mark.parametrize("violation", EVENTS, ids=str)
def test_insert_event_against_a_constraint_is_refused(violation):
    event = WebhookEventFactory.build()

    with refused_by(violation.rule):
        insert(event, **violation.wrong)

    insert(event, **violation.right)


@pytest.mark.parametrize("violation", EVENTS, ids=str)
def test_update_event_against_a_constraint_is_refused(violation):
    event = WebhookEventFactory()

    with refused_by(violation.rule):
        update(event, **violation.wrong)

    update(event, **{"deliveries": 2} | violation.right)


def test_insert_event_with_negative_deliveries_is_refused_by_the_column_too():
    execute("ALTER TABLE webhook_events DROP CONSTRAINT payments_webhookevent_deliveries_positive")
    event = WebhookEventFactory.build()

    with refused_by("webhook_events_deliveries_check"):
        insert(event, deliveries=-1)

    insert(event, deliveries=0)


def test_insert_event_with_a_body_twice_is_refused():
    first = WebhookEventFactory()
    second = WebhookEventFactory.build(body=first.body)

    with refused_by("payments_webhookevent_stored_once"):
        insert(second, object_id=first.object_id, event_type=first.event_type)

    insert(second)
    insert(WebhookEventFactory.build(body=b"other"), object_id=first.object_id, event_type=first.event_type)


def test_insert_events_without_id_and_with_different_bodies_is_accepted():
    insert(WebhookEventFactory.build(object_id=0, body=b"first"))

    insert(WebhookEventFactory.build(object_id=0, body=b"second"))

    assert WebhookEvent.objects.filter(object_id=0).count() == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", new_id()),
        ("provider", "other"),
        ("event_type", "refund.failed"),
        ("object_id", 1),
        ("reference", "other"),
        ("body", b"other"),
        ("body_sha256", b"other"),
        ("received_at", NOW),
        ("created_at", NOW),
    ],
)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_of_what_was_received_is_refused(column, value, is_nothing):
    event = WebhookEventFactory()

    with refused_by(*UNKEPT):
        update(event, **{column: None if is_nothing else value})

    update(event, status=EventStatus.DEAD, attempts=4, error="planted")


def test_delete_event_is_refused():
    event = WebhookEventFactory()

    with refused_by("webhook_events_undeleted", "DELETE on webhook_events is refused: its rows are append-only"):
        delete(event)


def test_truncate_events_is_refused():
    with refused_by("webhook_events_untruncated", "TRUNCATE on webhook_events is refused: its rows are append-only"):
        truncate(WebhookEvent)


@pytest.mark.parametrize("violation", ATTEMPTS, ids=str)
def test_insert_attempt_against_a_constraint_is_refused(violation):
    attempt = WebhookAttemptFactory.build(event=WebhookEventFactory())

    with refused_by(violation.rule):
        insert(attempt, **violation.wrong)

    insert(attempt, **violation.right)


def test_update_attempt_is_refused():
    attempt = WebhookAttemptFactory()

    with refused_by("webhook_attempts_unchanging", "UPDATE on webhook_attempts is refused: its rows are append-only"):
        update(attempt, outcome=attempt.outcome)


def test_delete_attempt_is_refused():
    attempt = WebhookAttemptFactory()

    with refused_by("webhook_attempts_undeleted", "DELETE on webhook_attempts is refused: its rows are append-only"):
        delete(attempt)


def test_truncate_attempts_is_refused():
    with refused_by(
        "webhook_attempts_untruncated", "TRUNCATE on webhook_attempts is refused: its rows are append-only"
    ):
        truncate(WebhookAttempt)

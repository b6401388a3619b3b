"""What waits is counted and aged; what does not is not."""

from datetime import timedelta

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from payments import tasks
from payments.lifecycles import EventStatus, RefundState, ReviewReason
from payments.models import PaymentLog
from payments.selectors import backlogs
from payments.selectors.backlogs import Pile
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.refunds import DisputeFactory, ReconciliationBreakFactory, RefundFactory

pytestmark = pytest.mark.django_db

NONE = Pile(0, None)


def test_measure_backlog_of_nothing_is_nothing():
    backlog = backlogs.measure_backlog()

    assert {getattr(backlog, name) for name in backlog.__slots__} == {NONE}
    assert not backlog.waits_for_a_person


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (EventStatus.RECEIVED, "due_events"),
        (EventStatus.RETRYING, "due_events"),
        (EventStatus.DEAD, "dead_events"),
        (EventStatus.QUARANTINED, "quarantined_events"),
        (EventStatus.PROCESSED, None),
        (EventStatus.IGNORED, None),
        (EventStatus.DISMISSED, None),
    ],
)
def test_measure_backlog_counts_and_ages_events(status, name):
    now = timezone.now()
    due = now if status in {EventStatus.RECEIVED, EventStatus.RETRYING} else None
    done = now if status == EventStatus.PROCESSED else None
    for minutes in (5, 3):
        received_at = now - timedelta(minutes=minutes)
        WebhookEventFactory(status=status, next_attempt_at=due, processed_at=done, received_at=received_at)

    backlog = backlogs.measure_backlog()

    found = {other: getattr(backlog, other) for other in backlog.__slots__ if getattr(backlog, other) != NONE}
    assert found == ({name: Pile(2, now - timedelta(minutes=5))} if name else {})
    assert backlog.waits_for_a_person is (name not in {"due_events", None})


def test_measure_backlog_counts_what_waits_for_people():
    payment = PaymentFactory()
    payment.put_under_review(ReviewReason.OVERPAID)
    PaymentLog.write([payment], now=timezone.now())
    RefundFactory(state=RefundState.AWAITING_APPROVAL, needs_approval=True)
    due_at = timezone.now() + timedelta(days=1)
    DisputeFactory(due_at=due_at)
    DisputeFactory(due_at=due_at + timedelta(days=1))
    found = ReconciliationBreakFactory()

    backlog = backlogs.measure_backlog()

    assert backlog.reviews == Pile(1, payment.created_at)
    assert (backlog.refunds_to_decide.count, backlog.refunds_in_trouble.count) == (1, 0)
    assert backlog.disputes == Pile(2, due_at)
    assert backlog.breaks == Pile(1, found.first_seen_at)
    assert backlog.waits_for_a_person


def test_task_says_what_waits_for_a_person():
    event = WebhookEventFactory(status=EventStatus.DEAD, next_attempt_at=None)

    with capture_logs() as lines:
        tasks.report_backlog()

    (said,) = lines
    assert (said["event"], said["log_level"]) == ("backlog", "warning")
    assert said["dead_events"] == {"count": 1, "oldest_at": event.received_at}
    assert "due_events" not in said

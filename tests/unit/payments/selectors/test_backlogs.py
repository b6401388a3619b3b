"""What waits is counted and aged; what does not is not."""

from datetime import timedelta

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from payments import tasks
from payments.lifecycles import REFUND_IN_DOUBT, REFUND_MOVING, EventStatus, RefundState, ReviewReason
from payments.models import PaymentLog, Refund
from payments.selectors import backlogs
from payments.selectors.backlogs import Pile
from tests.factories.payments import CAUSE, PaymentFactory, WebhookEventFactory
from tests.factories.refunds import DisputeFactory, ReconciliationBreakFactory, RefundFactory
from tests.factories.users import StaffFactory
from tests.plans import multiply

pytestmark = pytest.mark.django_db

NONE = Pile(0, None)


def bring_refund_to(state, **fields):
    refund = RefundFactory(next_check_at=timezone.now(), **fields)
    if state in REFUND_IN_DOUBT:
        refund.start_submitting(cause=CAUSE, now=timezone.now())
        Refund.write([refund], now=timezone.now())
    if state == RefundState.UNKNOWN:
        refund.lose_sight(cause=CAUSE, now=timezone.now())
        Refund.write([refund], now=timezone.now())
    return refund


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


@pytest.mark.parametrize("state", list(REFUND_MOVING))
def test_measure_backlog_counts_refunds_that_do_not_move(state):
    long_ago = timezone.now() - timedelta(days=2)
    stuck = bring_refund_to(state, created_at=long_ago)
    bring_refund_to(state)
    RefundFactory(state=RefundState.AWAITING_APPROVAL, created_at=long_ago, needs_approval=True)

    backlog = backlogs.measure_backlog()

    assert backlog.refunds_stuck == Pile(1, stuck.created_at)
    assert backlog.waits_for_a_person


def test_measure_backlog_counts_the_time_of_a_refund_from_when_it_was_approved():
    long_ago, just_now = timezone.now() - timedelta(days=2), timezone.now()
    decided = {"needs_approval": True, "decided_by": StaffFactory(), "next_check_at": just_now}
    RefundFactory(state=RefundState.APPROVED, created_at=long_ago, decided_at=just_now, **decided)
    assert backlogs.measure_backlog().refunds_stuck == NONE

    earlier = just_now - backlogs.REFUND_MOVES_WITHIN - timedelta(seconds=1)
    RefundFactory(state=RefundState.APPROVED, created_at=long_ago, decided_at=earlier, **decided)
    assert backlogs.measure_backlog().refunds_stuck == Pile(1, earlier)


def test_task_says_what_waits_for_a_person():
    event = WebhookEventFactory(status=EventStatus.DEAD, next_attempt_at=None)

    with capture_logs() as lines:
        tasks.report_backlog()

    (said,) = lines
    assert (said["event"], said["log_level"]) == ("backlog", "warning")
    assert said["dead_events"] == {"count": 1, "oldest_at": event.received_at}
    assert "due_events" not in said


def test_refunds_that_do_not_move_are_found_by_what_is_due():
    sent = bring_refund_to(RefundState.SUBMITTING)
    sent.note_submitted(gateway_refund_id=1, cause=CAUSE, reason="submitted", now=timezone.now())
    Refund.write([sent], now=timezone.now())
    sent.note_processed(cause=CAUSE, now=timezone.now())
    Refund.write([sent], now=timezone.now())
    multiply(
        sent,
        id="gen_random_uuid()",
        reference="'rfd-' || lpad(number::text, 36, '0')",
        gateway_refund_id="1 + number",
    )

    plan = backlogs._find_stuck_refunds().values_list("pk").explain()

    assert "payments_refund_to_check" in plan

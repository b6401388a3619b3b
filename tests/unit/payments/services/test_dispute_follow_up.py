"""Asking about disputes whose end nobody told: once a day, every hour once past due, one failing none of the others."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from devtools.sandbox.clock import to_text
from payments import tasks
from payments.models import Dispute, GatewayCall
from payments.services import dispute_follow_up, invariants
from tests.factories.disputes import open_dispute, sync
from tests.factories.refunds import DisputeFactory
from tests.unit.payments.services.disputing import make_paid, wallet
from tests.unit.payments.services.gateway_ledger import change_dispute

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def dispute(sandbox):
    return open_dispute(sandbox, make_paid(sandbox))


def follow_up(*, after=timedelta(0), **options):
    return dispute_follow_up.follow_up_disputes(now=timezone.now() + after, **options)


def put_due(sandbox, dispute, due_at):
    """Have the gateway say when it is due, and hear of it."""
    change_dispute(sandbox, dispute.gateway_dispute_id, due_at=to_text(due_at))
    return sync(dispute.gateway_dispute_id)


def asked():
    """Return the disputes that the gateway was asked about, in this order."""
    calls = GatewayCall.objects.filter(operation="fetch_dispute").order_by("pk")
    return [call.request["dispute"] for call in calls]


@pytest.mark.parametrize(
    ("resolution", "state", "left"), [("merchant-accepted", "lost", 0), ("declined", "won", 25), ("odd", "review", 25)]
)
def test_follow_up_disputes_brings_one_to_the_end_that_nobody_told(sandbox, dispute, resolution, state, left):
    sandbox.resolve_dispute(dispute.gateway_dispute_id, resolution, deliveries=0)

    assert follow_up(after=DAY + MINUTE) == 1

    dispute.refresh_from_db()
    assert (dispute.state, wallet(dispute.payment.user)[0]) == (state, Decimal(left))
    assert dispute.state_transitions[-1]["source"] == "worker"


def test_follow_up_disputes_asks_once_a_day(dispute):
    assert follow_up(after=DAY - MINUTE) == 0
    assert follow_up(after=DAY + MINUTE) == 1
    # What was asked just now counts, whoever asked.
    assert follow_up() == 0
    assert asked() == [dispute.gateway_dispute_id] * 2


def test_follow_up_disputes_asks_every_hour_once_one_is_past_due(sandbox, dispute):
    put_due(sandbox, dispute, timezone.now() + 30 * MINUTE)

    assert follow_up(after=HOUR - MINUTE) == 0
    assert follow_up(after=HOUR + MINUTE) == 1


def test_follow_up_disputes_asks_about_those_in_review(sandbox, dispute):
    sandbox.resolve_dispute(dispute.gateway_dispute_id, "odd", deliveries=0)
    assert sync(dispute.gateway_dispute_id).state == "review"

    assert follow_up(after=DAY + MINUTE) == 1


@pytest.mark.parametrize("resolution", ["declined", "merchant-accepted"])
def test_follow_up_disputes_leaves_alone_what_is_decided(sandbox, dispute, resolution):
    sandbox.resolve_dispute(dispute.gateway_dispute_id, resolution, deliveries=0)
    sync(dispute.gateway_dispute_id)

    assert follow_up(after=10 * DAY) == 0


def never_asked(sandbox):
    """A dispute that was won at the gateway, and that we never asked about."""
    payment = make_paid(sandbox)
    number = sandbox.open_dispute(payment.reference, deliveries=0)["dispute"]["id"]
    sandbox.resolve_dispute(number, "declined", deliveries=0)
    return DisputeFactory(payment=payment, gateway_dispute_id=number)


def test_follow_up_disputes_goes_on_after_one_that_fails_and_asks_again(sandbox):
    failing, _ = never_asked(sandbox), never_asked(sandbox)
    sandbox.script(operation="fetch_dispute", fault="http_500", reference=failing.payment.reference, times=None)

    assert follow_up() == 2
    assert [row.state for row in Dispute.objects.order_by("pk")] == ["open", "won"]

    sandbox.scripts.clear()
    assert follow_up() == 1
    assert [row.state for row in Dispute.objects.order_by("pk")] == ["won", "won"]


def test_follow_up_disputes_does_not_ask_at_once_again_about_what_the_gateway_does_not_know(sandbox):
    DisputeFactory(payment=make_paid(sandbox))

    assert follow_up() == 1
    assert GatewayCall.objects.latest("pk").outcome == "rejected"
    assert follow_up() == 0


def test_follow_up_disputes_asks_first_about_what_was_asked_longest_ago_and_stops_in_time(sandbox, dispute):
    other = open_dispute(sandbox, make_paid(sandbox))
    for row in (dispute, other):
        put_due(sandbox, row, timezone.now() - MINUTE)
    sync(dispute.gateway_dispute_id)
    before = len(asked())

    assert follow_up(after=2 * HOUR, limit_seconds=0.0) == 0
    assert follow_up(after=2 * HOUR) == 2

    assert asked()[before:] == [other.gateway_dispute_id, dispute.gateway_dispute_id]


def test_the_workers_follow_up_disputes_at_least_every_hour(sandbox, settings):
    never_asked(sandbox)

    tasks.follow_up_disputes()

    assert Dispute.objects.get().state == "won"
    [entry] = [
        entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == tasks.follow_up_disputes.name
    ]
    assert entry["schedule"] <= 600


@pytest.mark.parametrize(
    ("past_due", "laws"), [(None, []), (-DAY, []), (2 * DAY - MINUTE, []), (2 * DAY + MINUTE, ["dispute_is_watched"])]
)
def test_a_dispute_long_past_due_breaks_a_law_until_it_is_asked_about(sandbox, past_due, laws):
    payment = make_paid(sandbox)
    number = sandbox.open_dispute(payment.reference, deliveries=0)["dispute"]["id"]
    due_at = timezone.now() - past_due if past_due is not None else None
    change_dispute(sandbox, number, due_at=to_text(due_at) if due_at else None)
    DisputeFactory(payment=payment, gateway_dispute_id=number, due_at=due_at)
    assert broken_laws() == laws

    assert follow_up() == 1

    assert broken_laws() == []


def test_a_dispute_without_a_deadline_breaks_a_law_by_its_age(sandbox):
    DisputeFactory(created_at=timezone.now() - 2 * DAY - MINUTE)

    assert broken_laws() == ["dispute_is_watched"]


def broken_laws():
    laws = [law for law in invariants.load_invariants() if law.name == "dispute_is_watched"]
    return [violation.invariant.name for violation in invariants.check_invariants(laws)]

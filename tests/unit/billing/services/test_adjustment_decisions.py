"""A second person's decision about an adjustment: made once, by another than whoever asked or gains."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import CreditAdjustment, Transaction
from billing.selectors.wallets import get_balance
from billing.services import adjustments
from billing.services.adjustments import (
    AdjustmentNotFoundError,
    AdjustmentNotWaitingError,
)
from billing.services.ledger import InsufficientCreditsError
from namaskah.errors import PermissionDeniedError
from tests.factories.billing import post
from tests.factories.people import AgentFactory, approve, ask, reject
from tests.factories.refunds import place
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.billing.services.adjusting import entries, names, stored

pytestmark = pytest.mark.django_db


def test_approve_adjustment_posts_what_was_asked_for(user, waiting, agent, approver):
    now = timezone.now()

    approved = adjustments.approve_adjustment(adjustment_id=waiting.pk, by=approver, comment="c" * 301, now=now)

    kept = stored(waiting)
    assert (approved.state, kept.state, kept.ledger_entry) == ("posted", "posted", Transaction.objects.latest("pk"))
    assert (kept.decided_by, kept.decided_at, kept.decision_comment) == (approver, now, "c" * 300)
    assert (kept.ledger_entry.reference, kept.ledger_entry.created_by_id) == (waiting.reference, agent.pk)
    assert (entries(user), get_balance(user=user)) == ([60], 70)


def test_reject_adjustment_moves_nothing(user, waiting, approver):
    now = timezone.now()

    adjustments.reject_adjustment(adjustment_id=waiting.pk, by=approver, comment="No such message.", now=now)

    kept = stored(waiting)
    assert (kept.state, kept.ledger_entry) == ("rejected", None)
    assert (kept.decided_by, kept.decided_at, kept.decision_comment) == (approver, now, "No such message.")
    assert (entries(user), get_balance(user=user)) == ([], 10)


@pytest.mark.parametrize("first", [approve, reject])
@pytest.mark.parametrize("second", [approve, reject])
def test_adjustment_is_decided_once(first, second, waiting, approver):
    other = StaffFactory()
    first(waiting, approver)
    before = take_snapshot()

    with pytest.raises(AdjustmentNotWaitingError, match="it was decided before"):
        second(waiting, approver)
    with pytest.raises(AdjustmentNotWaitingError):
        second(waiting, other)

    assert take_snapshot() == before


@pytest.mark.parametrize("decide", [approve, reject])
def test_adjustment_that_needed_nobody_cannot_be_decided(decide, user, approver):
    made = ask(user, "5")

    with pytest.raises(AdjustmentNotWaitingError):
        decide(made, approver)

    assert entries(user) == [5]


@pytest.mark.parametrize("decide", [approve, reject])
def test_adjustment_is_not_decided_by_the_one_who_asked(decide, user):
    superuser = StaffFactory()
    made = ask(user, "60", by=superuser)

    with pytest.raises(PermissionDeniedError, match="another must decide"):
        decide(made, superuser)

    assert (stored(made).state, entries(user)) == ("awaiting_approval", [])


@pytest.mark.parametrize("decide", [approve, reject])
def test_adjustment_is_not_decided_by_the_one_who_gains(decide, agent):
    superuser = StaffFactory()
    made = ask(superuser, "60", by=agent)

    with pytest.raises(PermissionDeniedError, match="about your own wallet"):
        decide(made, superuser)

    assert stored(made).state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize("permission", ["", "request_adjustment", "approve_refund"])
def test_adjustment_is_not_decided_without_the_permission(decide, permission, waiting):
    with pytest.raises(PermissionDeniedError, match="You may not decide"):
        decide(waiting, AgentFactory(permission=permission))

    assert stored(waiting).state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
def test_adjustment_that_there_is_not_cannot_be_decided(decide, approver):
    with pytest.raises(AdjustmentNotFoundError):
        decide(CreditAdjustment(pk=uuid4()), approver)


def test_approve_adjustment_of_what_is_no_longer_there_leaves_it_waiting(user, agent, approver):
    post(user, amount=Decimal(90))
    made = ask(user, "-60", by=agent)
    hold = place(user, "40.0001")

    with pytest.raises(InsufficientCreditsError):
        approve(made, approver)

    assert (stored(made).state, stored(made).decided_by, entries(user)) == ("awaiting_approval", None, [90])
    reject(made, approver)
    assert (stored(made).state, hold.wallet.balance) == ("rejected", 100)


@pytest.mark.django_db(transaction=True)
def test_adjustment_approved_by_two_at_once_is_posted_once(user, waiting):
    approvers = AgentFactory.create_batch(2, permission="approve_adjustment")
    pause = actors.Pause('UPDATE "credit_adjustments"')
    first = actors.start(pause.of(partial(approve, waiting, approvers[0])))
    pause.wait_until_reached()
    second = actors.start(partial(approve, waiting, approvers[1]))
    actors.wait_until_blocked()

    pause.go_on()

    assert first.result(actors.PATIENCE_SECONDS).decided_by == approvers[0]
    assert isinstance(second.exception(actors.PATIENCE_SECONDS), AdjustmentNotWaitingError)
    assert (stored(waiting).decided_by, entries(user)) == (approvers[0], [60])


@pytest.mark.django_db(transaction=True)
def test_adjustment_decided_by_eight_at_once_is_decided_by_one(user, waiting):
    approvers = AgentFactory.create_batch(8, permission="approve_adjustment")
    calls = [partial((approve, reject)[number % 2], waiting, by) for number, by in enumerate(approvers)]

    results = actors.run_together(calls)

    assert names(results) == ["AdjustmentNotWaitingError"] * 7 + ["CreditAdjustment"]
    assert entries(user) == ([60] if stored(waiting).state == "posted" else [])


def test_may_decide_takes_a_second_person_with_the_permission(user, waiting, agent, approver):
    assert adjustments.may_decide(approver, waiting)
    assert not adjustments.may_decide(AgentFactory(), waiting)
    for involved in (user, agent):
        involved.is_superuser = True
        assert not adjustments.may_decide(involved, waiting)


def test_may_adjust_takes_another_customer_and_the_permission(user, agent, approver):
    assert adjustments.may_adjust(agent, user_id=user.pk)
    assert not adjustments.may_adjust(agent, user_id=agent.pk)
    assert not adjustments.may_adjust(approver, user_id=user.pk)

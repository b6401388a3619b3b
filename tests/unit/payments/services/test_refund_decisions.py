"""The second person's decision about a refund."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from billing.models import Hold, Transaction
from namaskah.audit.records import record_action
from namaskah.errors import PermissionDeniedError
from payments.lifecycles import PaymentState, RefundState
from payments.models import Refund
from payments.services import refunds
from payments.services.refund_terms import (
    PaymentDisputedError,
    PaymentNotRefundableError,
)
from payments.services.refunds import RefundNotFoundError, RefundNotWaitingError
from tests.factories.billing import post
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import DisputeFactory, request
from tests.factories.users import StaffFactory, UserFactory
from tests.unit.payments.models.steps import take_step
from tests.unit.payments.services.purchases import credit
from tests.unit.payments.services.refunding import digest, standing

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)

LARGE = {"amount_minor": 24_750_000, "credit_amount": Decimal("150.0000")}


@pytest.fixture
def large():
    """A purchase of 150 credits, of which not all goes back without a second person."""
    return PaymentFactory(at="completed", **LARGE)


@pytest.fixture
def approver():
    staff = UserFactory(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="approve_refund"))
    return staff


def approve(refund, by):
    return refunds.approve_refund(refund_id=refund.pk, by=by, cause=CAUSE, now=NOW)


def reject(refund, by, reason="Not this one."):
    return refunds.reject_refund(refund_id=refund.pk, by=by, reason=reason, cause=CAUSE, now=NOW)


def read(refund):
    return Refund.objects.get(pk=refund.pk)


def test_approve_refund_takes_the_held_credits_and_queues_it(large, approver):
    refund = request(large)

    approved = approve(refund, approver)

    stored = read(refund)
    assert approved.pk == stored.pk
    assert (stored.state, stored.decided_by, stored.decided_at, stored.next_check_at) == (
        "approved",
        approver,
        NOW,
        NOW,
    )
    assert (stored.hold.state, stored.ledger_entry.amount) == ("taken", -150)
    assert standing(large.user) == (0, 0, [150, -150])
    assert [step["reason"] for step in stored.state_transitions] == ["requested", "approved"]


def test_reject_refund_gives_exactly_the_held_credits_back(large, approver):
    refund = request(large, "120.00")
    post(large.user, amount=Decimal(-5))

    reject(refund, approver, reason="x" * 301)

    stored = read(refund)
    assert (stored.state, stored.decided_by, stored.decided_at, stored.next_check_at) == (
        "rejected",
        approver,
        NOW,
        None,
    )
    assert (stored.hold.state, stored.ledger_entry, stored.decision_comment) == ("released", None, "x" * 300)
    assert standing(large.user) == (145, 0, [150, -5])
    assert request(large, "145.00").state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_by_whoever_asked_is_refused(decide, large, approver):
    approver.user_permissions.add(Permission.objects.get(codename="request_refund"))
    refund = request(large, by=User.objects.get(pk=approver.pk))

    with pytest.raises(PermissionDeniedError, match="another person must decide"):
        decide(refund, approver)

    assert read(refund).state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_by_whoever_was_paid_for_is_refused(decide, large, approver):
    refund = request(large)
    large.user.user_permissions.set(approver.user_permissions.all())

    with pytest.raises(PermissionDeniedError, match="the payment is yours"):
        decide(refund, User.objects.get(pk=large.user_id))

    assert read(refund).state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_by_whose_password_the_asker_reset_is_refused(decide, large, approver):
    asker, grace = StaffFactory(), User.objects.get(pk=approver.pk)
    User.objects.filter(pk=grace.pk).update(is_staff=True)
    refund = request(large, by=asker)
    record_action(by=asker, action="staff.reset_password", subject=grace.username)

    with pytest.raises(PermissionDeniedError, match="had a hand in your account"):
        decide(refund, grace)

    assert read(refund).state == "awaiting_approval"


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_by_a_superuser_who_asked_is_refused(decide, large):
    staff = StaffFactory()

    with pytest.raises(PermissionDeniedError):
        decide(request(large, by=staff), staff)


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize("is_staff", [False, True])
def test_decision_without_the_permission_is_refused(decide, is_staff, large):
    refund = request(large)

    with pytest.raises(PermissionDeniedError, match="may not decide"):
        decide(refund, UserFactory(is_staff=is_staff))

    assert read(refund).state == "awaiting_approval"


@pytest.mark.parametrize("first", [approve, reject])
@pytest.mark.parametrize("second", [approve, reject])
def test_refund_is_decided_once(first, second, large, approver):
    refund = request(large)
    first(refund, StaffFactory())
    before = digest()

    with pytest.raises(RefundNotWaitingError) as refusal:
        second(refund, approver)

    assert refusal.value.code == "concurrent_update"
    assert digest() == before


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_about_an_unknown_refund_is_refused(decide, large, approver):
    request(large)

    with pytest.raises(RefundNotFoundError):
        decide(Refund(), approver)


def test_approve_refund_of_what_is_disputed_meanwhile_is_refused_and_may_be_rejected(large, approver):
    refund = request(large, "120.00")
    DisputeFactory(payment=large)
    before = digest()

    with pytest.raises(PaymentDisputedError):
        approve(refund, approver)

    assert digest() == before
    reject(refund, approver)
    assert standing(large.user) == (150, 0, [150])


def test_approve_refund_of_what_was_refunded_meanwhile_is_refused(large, approver):
    refund = request(large, "120.00")
    take_step(large, PaymentState.REFUNDED)

    with pytest.raises(PaymentNotRefundableError):
        approve(refund, approver)

    assert read(refund).state == RefundState.AWAITING_APPROVAL


def test_reject_refund_of_money_never_credited_has_nothing_to_give_back(approver):
    payment = PaymentFactory(at="processing")
    credit(payment, requested_amount_minor=17_000_000, amount_minor=17_000_000)
    refund = request(payment)

    reject(refund, approver)

    assert (read(refund).state, Transaction.objects.count(), Hold.objects.count()) == ("rejected", 0, 0)


def test_decision_says_who_in_the_trail(large, approver):
    refund = request(large)
    cause = type(CAUSE)(source=CAUSE.source, by=approver.username)

    refunds.approve_refund(refund_id=refund.pk, by=approver, cause=cause, now=timezone.now())

    assert read(refund).state_transitions[-1]["by"] == approver.username


def test_may_decide_takes_a_second_person_with_the_permission(large, approver):
    asker = StaffFactory()
    refund = request(large, by=asker)
    owner = large.user
    owner.is_superuser = True

    assert refunds.may_decide(approver, refund)
    assert [refunds.may_decide(by, refund) for by in (asker, owner, UserFactory(is_staff=True))] == [False] * 3

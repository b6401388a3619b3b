"""Refunds that were made on the gateway's own dashboard: booked when seen, once."""

from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Hold, Receivable
from payments.services import refund_follow_up, refunds
from payments.services.refund_terms import RefundExceedsPaymentError
from tests.factories.billing import post
from tests.factories.payments import CAUSE
from tests.factories.refunds import request
from tests.factories.users import StaffFactory
from tests.unit.payments.services.refunding import (
    buy,
    digest,
    move,
    refund_on_dashboard,
    standing,
    states,
    steps,
    submit,
    sync,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(sandbox):
    """A purchase of 25 credits for 4,125,000 subunits, paid."""
    return buy(sandbox)


@pytest.fixture
def submitted(payment):
    """Ten of its credits on their way back."""
    return submit(request(payment, "10.00"))


def spend(payment, amount):
    post(payment.user, type="debit", amount=-Decimal(amount), counter_account="revenue:sms")


def test_dashboard_refund_is_booked_when_seen(sandbox, payment):
    number = refund_on_dashboard(sandbox, payment, 1_000_000)

    [refund] = sync(payment)

    refund.refresh_from_db()
    assert (refund.state, refund.gateway_refund_id, refund.amount_minor) == ("submitted", number, 1_000_000)
    assert (refund.credit_amount, refund.requested_by, refund.needs_approval) == (Decimal("6.0606"), None, False)
    assert [(step["from"], step["to"], step["reason"]) for step in refund.state_transitions] == [
        (None, "submitted", "made_elsewhere")
    ]
    assert (refund.hold.state, refund.ledger_entry.amount) == ("taken", Decimal("-6.0606"))
    assert standing(payment.user) == (Decimal("18.9394"), 0, [25, Decimal("-6.0606")])
    assert not Receivable.objects.exists()


def test_dashboard_refund_is_booked_once(sandbox, payment):
    refund_on_dashboard(sandbox, payment, 1_000_000)
    sync(payment)
    before = digest()

    for _ in range(3):
        sync(payment)

    assert digest() == before


@pytest.mark.parametrize("status", ["processed", "needs-attention"])
def test_dashboard_refund_is_booked_where_it_is(status, sandbox, payment):
    refund_on_dashboard(sandbox, payment)
    move(sandbox, payment, status)

    sync(payment)

    assert states(payment) == [status.replace("-", "_")]
    assert payment.state == ("refunded" if status == "processed" else "completed")
    assert standing(payment.user) == (0, 0, [25, -25])


def test_dashboard_refund_that_failed_before_it_was_seen_is_none(sandbox, payment):
    refund_on_dashboard(sandbox, payment)
    move(sandbox, payment, "failed")
    before = digest()

    assert sync(payment) == []

    assert digest() == before


def test_dashboard_refund_of_spent_credits_takes_what_is_there_and_the_rest_is_owed(sandbox, payment):
    spend(payment, "17.5001")
    refund_on_dashboard(sandbox, payment)

    [refund] = sync(payment)

    owed = Receivable.objects.get()
    assert (refund.credit_amount, refund.ledger_entry.amount) == (25, Decimal("-7.4999"))
    assert (owed.amount, owed.reason, owed.reference) == (Decimal("17.5001"), "refunded_elsewhere", refund.reference)
    assert (owed.user_id, owed.payment_log_id, owed.cancelled_at) == (payment.user_id, payment.pk, None)
    assert standing(payment.user)[:2] == (0, 0)


def test_dashboard_refund_of_an_empty_wallet_is_owed_whole(sandbox, payment):
    spend(payment, "25.00")
    refund_on_dashboard(sandbox, payment)

    [refund] = sync(payment)

    assert (refund.hold, refund.ledger_entry, Receivable.objects.get().amount) == (None, None, 25)
    assert standing(payment.user) == (0, 0, [25, -25])
    assert not Hold.objects.exists()


def test_dashboard_refund_leaves_held_credits_alone(sandbox):
    payment = buy(sandbox, amount_minor=24_750_000, credit_amount=Decimal("150.0000"))
    waiting = request(payment, "120.00")
    refund_on_dashboard(sandbox, payment, 4_950_000)
    spend(payment, "10.00")

    sync(payment)

    assert (waiting.hold.amount, Receivable.objects.get().amount) == (120, 10)
    assert standing(payment.user) == (120, 120, [150, -10, -20])


@pytest.mark.parametrize(
    ("spent", "amounts"),
    [
        ("0", [25, -25, 25]),
        ("17.5001", [25, Decimal("-17.5001"), Decimal("-7.4999"), Decimal("7.4999")]),
        ("25", [25, -25]),
    ],
)
def test_dashboard_refund_that_fails_afterwards_gives_back_what_was_taken(spent, amounts, sandbox, payment):
    if spent != "0":
        spend(payment, spent)
    refund_on_dashboard(sandbox, payment)
    sync(payment)
    move(sandbox, payment, "failed")

    for _ in range(2):
        sync(payment)

    assert states(payment) == ["failed"]
    assert standing(payment.user) == (25 - Decimal(spent), 0, amounts)
    assert not Receivable.objects.filter(cancelled_at=None).exists()


def test_two_dashboard_refunds_alike_are_two(sandbox, payment):
    for _ in range(2):
        refund_on_dashboard(sandbox, payment, 1_650_000)

    sync(payment)

    assert states(payment) == ["submitted", "submitted"]
    assert standing(payment.user) == (5, 0, [25, -10, -10])


def test_dashboard_refund_that_is_like_ours_is_another(sandbox, payment, submitted):
    refund_on_dashboard(sandbox, payment, submitted.amount_minor)

    sync(payment)

    assert (len(states(payment)), standing(payment.user)) == (2, (5, 0, [25, -10, -10]))


def test_dashboard_refund_with_the_fees_that_the_payer_bore_takes_the_credits_that_are_left(sandbox):
    payment = buy(sandbox, paid={"bearer": "customer", "fees_minor": 61_875})
    assert (payment.amount_paid_minor, payment.credited) == (4_186_875, True)
    ours = submit(request(payment, "10.00"))
    refund_on_dashboard(sandbox, payment, 2_536_875)
    move(sandbox, payment, "processed", which=0)

    sync(payment)

    assert steps(ours)[-1] == "processed"
    assert (states(payment), standing(payment.user)) == (["processed", "submitted"], (0, 0, [25, -10, -15]))

    move(sandbox, payment, "processed", which=1)
    sync(payment)

    payment.refresh_from_db()
    assert (payment.state, payment.amount_refunded_minor) == ("refunded", 4_186_875)


def test_dashboard_refund_of_more_than_is_left_is_refused_and_the_others_are_followed(sandbox):
    payment = buy(sandbox, amount_minor=24_750_000, credit_amount=Decimal("150.0000"))
    ours = submit(request(payment, "10.00"))
    request(payment, "140.00")
    refund_on_dashboard(sandbox, payment, 23_100_000)
    move(sandbox, payment, "processed", which=0)

    with pytest.raises(RefundExceedsPaymentError):
        sync(payment)

    assert steps(ours)[-1] == "processed"
    assert (states(payment), standing(payment.user)) == (["processed", "awaiting_approval"], (140, 140, [150, -10]))


def test_dashboard_refund_of_what_waits_for_a_person_is_booked_once_that_is_rejected(sandbox):
    payment = buy(sandbox, amount_minor=24_750_000, credit_amount=Decimal("150.0000"))
    waiting = request(payment)
    refund_on_dashboard(sandbox, payment)
    with pytest.raises(RefundExceedsPaymentError):
        sync(payment)
    assert standing(payment.user) == (150, 150, [150])

    refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="Done.", cause=CAUSE, now=timezone.now())
    sync(payment)

    assert (states(payment), standing(payment.user)) == (["rejected", "submitted"], (0, 0, [150, -150]))


def test_dashboard_refund_that_carries_our_reference_and_another_amount_is_not_ours(sandbox):
    payment = buy(sandbox)
    ours = request(payment, "1.00")
    sandbox.script(operation="refund", fault="reset_before_accept")
    submit(ours)
    refund_on_dashboard(sandbox, payment, merchant_note=ours.reference)

    with pytest.raises(RefundExceedsPaymentError):
        sync(payment)

    assert (states(payment), standing(payment.user)) == (["unknown"], (24, 0, [25, -1]))


def test_refund_that_is_refused_because_the_money_went_back_already_is_booked_at_once(sandbox):
    payment = buy(sandbox)
    ours = request(payment)
    refund_on_dashboard(sandbox, payment)

    refund_follow_up.follow_up_refund(refund_id=ours.pk)

    assert states(payment) == ["failed", "submitted"]
    assert standing(payment.user) == (0, 0, [25, -25, 25, -25])

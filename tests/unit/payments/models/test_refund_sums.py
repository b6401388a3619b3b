"""Refunds never add up to more than was paid, whoever writes them."""

import pytest

from payments.lifecycles import RefundState
from tests.factories.refunds import RefundFactory
from tests.unit.billing.models.raw_sql import (
    insert,
    post_entry,
    refused_by,
    settle,
)
from tests.unit.payments.models.refund_steps import born, walk
from tests.unit.payments.models.steps import build_credit, evidence_of
from tests.unit.payments.models.steps import change as change_payment
from tests.unit.payments.models.steps import move as move_payment
from tests.unit.payments.services.purchases import credit

AWAITING, APPROVED, SUBMITTING, UNKNOWN, SUBMITTED, ATTENTION, PROCESSED, FAILED, REJECTED = RefundState

EXCEEDS = ("refunds_by_rule", "refund %: more than was paid would go back")


def test_refunds_of_more_than_was_paid_are_refused(completed):
    whole = completed.amount_minor
    RefundFactory(payment=completed, amount_minor=whole - 10)

    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=completed, amount_minor=11))

    insert(RefundFactory.build(payment=completed, amount_minor=10))
    settle()


@pytest.mark.parametrize("route", [(APPROVED, SUBMITTING, FAILED), (AWAITING, REJECTED)])
def test_refund_that_ended_without_money_leaves_room_for_another(route, completed):
    refund = RefundFactory(payment=completed, state=route[0])
    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=completed, amount_minor=1))
    walk(refund, route[1:])

    insert(RefundFactory.build(payment=completed))

    settle()


@pytest.mark.parametrize(
    "route",
    [
        (AWAITING,),
        (APPROVED,),
        (APPROVED, SUBMITTING),
        (APPROVED, SUBMITTING, UNKNOWN),
        (APPROVED, SUBMITTING, UNKNOWN, ATTENTION),
        (SUBMITTED,),
        (SUBMITTED, PROCESSED),
    ],
)
def test_refund_in_any_other_state_stands(route, completed):
    walk(RefundFactory(payment=completed, **born(route[0])), route[1:])

    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=completed, amount_minor=1))


def test_refund_of_a_payment_without_money_is_refused(payment):
    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=payment, amount_minor=1))


def test_refund_of_money_never_credited_may_be_all_that_was_paid(payment):
    change_payment(payment, state=payment.state, **evidence_of(payment) | {"amount_paid_minor": 5_000_000})

    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=payment, amount_minor=5_000_001))

    insert(RefundFactory.build(payment=payment, amount_minor=5_000_000))


def test_refund_of_what_was_credited_as_another_amount_may_be_all_that_was_paid(payment):
    post_entry(build_credit(payment, amount=12))
    paid = evidence_of(payment) | {"amount_paid_minor": 2_000_000}
    move_payment(payment, "completed", credited=True, credited_amount=12, **paid)

    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=payment, amount_minor=2_000_001))

    insert(RefundFactory.build(payment=payment, amount_minor=2_000_000))
    settle()


def test_payment_of_which_more_went_back_than_was_paid_is_refused(payment):
    change_payment(payment, **evidence_of(payment) | {"amount_paid_minor": 5_000_000})

    with refused_by("payments_paymentlog_refunds_within_amount"):
        change_payment(payment, amount_refunded_minor=5_000_001)

    change_payment(payment, amount_refunded_minor=5_000_000)


def test_credited_payment_of_which_more_than_amount_and_fees_went_back_is_refused(payment):
    credit(payment, amount_minor=payment.amount_minor + 1500, requested_amount_minor=payment.amount_minor)
    payment.refresh_from_db()

    with refused_by("payments_paymentlog_refunds_within_amount"):
        change_payment(payment, amount_refunded_minor=payment.amount_minor + 1501)

    change_payment(payment, amount_refunded_minor=payment.amount_minor + 1500)

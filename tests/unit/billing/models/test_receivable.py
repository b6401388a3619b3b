"""What the database refuses of receivables: they are collected, or cancelled once; nothing else changes."""

import pytest
from django.utils import timezone

from billing.models import Receivable
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import ReceivableFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import Violation, delete, insert, refused_by, settle, truncate, update

BIRTHS = [
    Violation("billing_receivable_amount_positive", {"amount": "0"}, {"amount": "0.0001"}),
    Violation("billing_receivable_amount_positive", {"amount": "-1"}, {"amount": "1"}),
    Violation("billing_receivable_amount_positive", {"amount": "NaN"}, {"amount": "1"}),
    Violation("billing_receivable_collected_within_amount", {"collected_amount": "-0.0001"}, {"collected_amount": "0"}),
    Violation("billing_receivable_collected_within_amount", {"collected_amount": "10.0001"}),
    Violation("billing_receivable_collected_within_amount", {"collected_amount": "NaN"}, {"collected_amount": "10"}),
    Violation("billing_receivable_reason_known", {"reason": "whim"}, {"reason": "refunded_elsewhere"}),
]


@pytest.fixture
def unborn(db):
    return ReceivableFactory.build(payment_log=PaymentFactory())


@pytest.fixture
def receivable(db):
    return ReceivableFactory()


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


def test_insert_a_second_receivable_for_the_same_thing_is_refused(receivable, unborn):
    with refused_by("receivables_reference_key"):
        insert(unborn, reference=receivable.reference)

    insert(unborn)


@pytest.mark.parametrize("column", ["id", "user_id", "payment_log_id", "reason", "reference", "amount", "created_at"])
@pytest.mark.parametrize("is_cancelled_with_it", [False, True])
def test_update_anything_but_the_cancellation_is_refused(column, is_cancelled_with_it, receivable):
    other = ReceivableFactory.build(
        payment_log=PaymentFactory(user=UserFactory()), amount=11, reason="refunded_elsewhere"
    )
    cancellation = {"cancelled_at": timezone.now()} if is_cancelled_with_it else {}

    with refused_by("receivables_cancelled_once", "UPDATE on receivables is refused: its rows are append-only"):
        update(receivable, **{column: getattr(other, column)}, **cancellation)

    assert Receivable.objects.get().cancelled_at is None


@pytest.mark.parametrize("again", [None, "2026-11-21"])
def test_update_a_cancelled_receivable_is_refused(again, receivable):
    now = timezone.now()
    update(receivable, cancelled_at=now)

    with refused_by("receivables_cancelled_once", "UPDATE on receivables is refused: its rows are append-only"):
        update(receivable, cancelled_at=again)

    assert Receivable.objects.get().cancelled_at == now


def test_update_what_was_collected_to_less_is_refused(receivable):
    update(receivable, collected_amount=4)

    with refused_by("receivables_cancelled_once", "UPDATE on receivables is refused: its rows are append-only"):
        update(receivable, collected_amount=3)

    update(receivable, collected_amount=10)


def test_cancel_with_something_collected_is_refused(receivable):
    update(receivable, collected_amount=4)

    with refused_by("receivables_cancelled_once", "UPDATE on receivables is refused: its rows are append-only"):
        update(receivable, cancelled_at=timezone.now())

    update(receivable, collected_amount=0, cancelled_at=timezone.now())


def test_delete_receivable_is_refused(receivable):
    with refused_by("receivables_undeleted", "DELETE on receivables is refused: its rows are append-only"):
        delete(receivable)


def test_truncate_receivables_is_refused(receivable):
    with refused_by("receivables_untruncated", "TRUNCATE on receivables is refused: its rows are append-only"):
        truncate(Receivable)


def test_receivable_says_what_is_owed(receivable):
    assert str(receivable) == f"10.0000 of user {receivable.user_id} (dispute_lost)"

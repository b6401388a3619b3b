"""A payment is born pending, uncredited, at version 0, with one entry in its trail."""

import json

import pytest

from payments.models import PaymentLog
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import delete, insert, refused_by, settle, truncate
from tests.unit.payments.models.steps import credit_of, entry, evidence_of

UNBORN = ("payment_logs_born_pending", "payment % must be born pending, uncredited and at version 0")
UNTOLD = (
    "payment_logs_born_pending",
    "payment % must be born with one entry in its trail, from null to pending",
)


@pytest.fixture
def unborn(db):
    return PaymentFactory.build(user=UserFactory())


@pytest.mark.parametrize("state", ["processing", "failed", "refunded"])
def test_payment_born_in_a_later_state_is_refused(state, unborn):
    with refused_by(*UNBORN):
        insert(unborn, state=state, **evidence_of(unborn))

    insert(unborn)
    settle()


@pytest.mark.parametrize("state", ["completed", "refunded"])
def test_payment_born_credited_and_settled_is_refused(state, unborn):
    with refused_by(*UNBORN):
        insert(unborn, state=state, **credit_of(unborn), **evidence_of(unborn))

    insert(unborn)


@pytest.mark.parametrize(
    "columns",
    [
        {"credited": True, "credited_amount": "25"},
        {"lock_version": 1},
        {"amount_refunded_minor": 1},
        {"state": None},
        {"credited": None},
        {"lock_version": None},
        {"amount_refunded_minor": None},
    ],
    ids=str,
)
def test_payment_born_with_a_past_is_refused(columns, unborn):
    with refused_by(*UNBORN):
        insert(unborn, **columns)

    insert(unborn)


def without(name):
    return {kept: value for kept, value in entry(None, "pending").items() if kept != name}


@pytest.mark.parametrize(
    "trail",
    [
        [],
        [entry("pending", "pending")],
        [entry(None, "processing")],
        [entry(None, "pending"), entry("pending", "processing")],
        [{"to": "pending"}],
        [{"from": None}],
        [{"from": None, "to": None}],
        *[[without(name)] for name in ("at", "by", "source", "reason", "event_id", "request_id")],
        ["pending"],
        entry(None, "pending"),
        "pending",
        None,
    ],
    ids=lambda trail: json.dumps(trail)[:30],
)
def test_payment_born_with_another_trail_is_refused(trail, unborn):
    with refused_by(*UNTOLD):
        insert(unborn, state_transitions=json.dumps(trail))

    insert(unborn, state_transitions=json.dumps([entry(None, "pending")]))


def test_payment_born_without_a_trail_is_refused(unborn):
    with refused_by(*UNTOLD):
        insert(unborn, state_transitions=None)


def test_delete_payment_is_refused(payment):
    with refused_by("payment_logs_undeleted", "DELETE on payment_logs is refused: its rows are append-only"):
        delete(payment)

    assert PaymentLog.objects.get() == payment


def test_truncate_payments_is_refused(payment):
    with refused_by("payment_logs_untruncated", "TRUNCATE on payment_logs is refused: its rows are append-only"):
        truncate(PaymentLog)

    assert PaymentLog.objects.get() == payment

"""What an UPDATE may not do to a payment: skip a version, rewrite its birth, its trail or its credit."""

import json
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import refused_by, settle, update
from tests.unit.payments.models.steps import change, entry, move

UNVERSIONED = (
    "payment_logs_change_by_rule",
    "payment %: an update must raise lock_version from % by one",
)
REBORN = ("payment_logs_change_by_rule", "payment %: what was agreed at its birth does not change")
UNCREDITED = ("payment_logs_change_by_rule", "payment %: a credit and its evidence do not change")
REPLACED = ("payment_logs_change_by_rule", "payment %: what superseded it does not change")
SHRUNK = ("payment_logs_change_by_rule", "payment %: what was refunded does not shrink")
RETOLD = ("payment_logs_change_by_rule", "payment %: the trail changes with the state only")
UNTOLD = (
    "payment_logs_change_by_rule",
    "payment %: a step adds exactly one entry that tells it to the trail",
)


@pytest.mark.parametrize("version", [0, 1, 3, None])
def test_update_that_does_not_raise_the_version_by_one_is_refused(version, payment):
    change(payment, checks=1)

    with refused_by(*UNVERSIONED):
        update(payment, checks=2, lock_version=version)

    update(payment, checks=2, lock_version=2)


def test_update_that_leaves_the_version_alone_is_refused(payment):
    with refused_by(*UNVERSIONED):
        update(payment, checks=1)

    change(payment, checks=1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", uuid4()),
        ("email", "other@example.com"),
        ("reference", "nmk-" + "0" * 36),
        ("idempotency_key", uuid4()),
        ("attempt", 2),
        ("amount_usd", "25.0001"),
        ("currency", "GHS"),
        ("amount_minor", 1),
        ("exchange_rate", "1650.000001"),
        ("credit_amount", "9999"),
        ("gateway", "other"),
        ("created_at", timezone.now()),
    ],
)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_of_what_was_agreed_is_refused(column, value, is_nothing, payment):
    with refused_by(*REBORN):
        change(payment, **{column: None if is_nothing else value})

    change(payment, **{column: getattr(payment, column)}, webhook_received=True)


def test_update_of_the_payer_is_refused(payment):
    with refused_by(*REBORN):
        change(payment, user_id=UserFactory().pk)


@pytest.mark.parametrize(
    "columns",
    [
        {"credited": False, "credited_amount": None},
        {"credited": None},
        {"credited_amount": "25.0001"},
        {"credited_amount": "NaN"},
        {"credited_amount": None},
        {"gateway_transaction_id": 1},
        {"gateway_transaction_id": None},
        {"amount_paid_minor": 1},
        {"amount_paid_minor": None},
    ],
    ids=str,
)
def test_update_of_a_credit_or_its_evidence_is_refused(columns, completed):
    with refused_by(*UNCREDITED):
        change(completed, **columns)

    change(completed, gateway_fee_minor=1, review_reason="paid_twice")
    settle()


@pytest.mark.parametrize("refunded", [99, 0, -1, None])
def test_update_that_shrinks_what_was_refunded_is_refused(refunded, completed):
    change(completed, amount_refunded_minor=100)

    with refused_by(*SHRUNK):
        change(completed, amount_refunded_minor=refunded)

    change(completed, amount_refunded_minor=101)


@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_of_what_superseded_a_payment_is_refused(is_nothing, payment):
    first, second = PaymentFactory(user=payment.user), PaymentFactory(user=payment.user)
    change(payment, superseded_by_id=first.pk)

    with refused_by(*REPLACED):
        change(payment, superseded_by_id=None if is_nothing else second.pk)

    change(payment, superseded_by_id=first.pk)


@pytest.mark.parametrize("trail", ["[]", "null", '"pending"', None], ids=str)
def test_update_that_shortens_the_trail_is_refused(trail, payment):
    with refused_by(*RETOLD):
        change(payment, state_transitions=trail)


def test_update_that_rewrites_the_trail_is_refused(payment):
    rewritten = json.dumps([payment.state_transitions[0] | {"by": "nobody"}])

    with refused_by(*RETOLD):
        change(payment, state_transitions=rewritten)


def without(name):
    return {kept: value for kept, value in entry("pending", "processing").items() if kept != name}


@pytest.mark.parametrize(
    "appended",
    [
        [],
        [entry("pending", "processing"), entry("processing", "processing")],
        [entry("processing", "failed"), entry("pending", "processing")],
        [entry(None, "processing")],
        [entry("failed", "processing")],
        [entry("pending", "completed")],
        [{"from": "pending"}],
        [{"to": "processing"}],
        *[[without(name)] for name in ("at", "by", "source", "reason", "event_id", "request_id")],
        ["processing"],
        [None],
    ],
    ids=lambda appended: json.dumps(appended)[:30],
)
def test_step_without_exactly_its_entry_is_refused(appended, payment):
    with refused_by(*UNTOLD):
        move(payment, "processing", state_transitions=json.dumps([*payment.state_transitions, *appended]))

    move(payment, "processing")
    settle()


def test_step_that_rewrites_an_earlier_entry_is_refused(payment):
    rewritten = [payment.state_transitions[0] | {"by": "nobody"}, entry("pending", "processing")]

    with refused_by(*UNTOLD):
        move(payment, "processing", state_transitions=json.dumps(rewritten))


def test_step_that_drops_an_earlier_entry_is_refused(payment):
    move(payment, "processing")
    shortened = [payment.state_transitions[0], entry("processing", "failed")]

    with refused_by(*UNTOLD):
        move(payment, "failed", state_transitions=json.dumps(shortened))

    move(payment, "failed")


@pytest.mark.parametrize("trail", ["{}", "5", '"processing"', "null", None], ids=str)
def test_step_with_a_trail_that_is_no_list_is_refused(trail, payment):
    with refused_by(*UNTOLD):
        move(payment, "processing", state_transitions=trail)

"""A gateway call is written before it is made, completed once after it, and never touched again."""

import json
from datetime import UTC, datetime

import pytest

from namaskah.identifiers import new_id
from payments.models import GatewayCall, GatewayOutcome
from tests.factories.payments import GatewayCallFactory, PaymentFactory
from tests.unit.billing.models.raw_sql import Violation, delete, insert, refused_by, truncate, update

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BIRTHS = [
    Violation("payments_gatewaycall_outcome_known", {"outcome": "lost", "finished_at": NOW}),
    Violation("payments_gatewaycall_outcome_known", {"outcome": "", "finished_at": NOW}),
    Violation("payments_gatewaycall_finished_has_outcome", {"finished_at": NOW}, {"finished_at": None}),
    Violation(
        "payments_gatewaycall_finished_has_outcome",
        {"outcome": "answered"},
        {"outcome": "answered", "finished_at": NOW},
    ),
]
REWRITTEN = ("gateway_calls_complete_once", "UPDATE on gateway_calls is refused: its rows are append-only")


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation):
    call = GatewayCallFactory.build()

    with refused_by(violation.rule):
        insert(call, **violation.wrong)

    insert(call, **violation.right)


@pytest.mark.parametrize("outcome", [outcome for outcome in GatewayOutcome if outcome != GatewayOutcome.OPEN])
def test_call_is_completed_once(outcome):
    call = GatewayCallFactory()
    update(call, outcome=outcome, finished_at=NOW, answer="{}")

    with refused_by(*REWRITTEN):
        update(call, answer=json.dumps({"status": "success"}))

    assert GatewayCall.objects.get().answer == {}


@pytest.mark.parametrize(
    "columns", [{"outcome": "open", "finished_at": None}, {"finished_at": NOW}, {"error": ""}], ids=str
)
def test_call_is_never_opened_again(columns):
    call = GatewayCallFactory(outcome=GatewayOutcome.UNKNOWN, finished_at=NOW)

    with refused_by(*REWRITTEN):
        update(call, **columns)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", new_id()),
        ("operation", "refund"),
        ("reference", "other"),
        ("request", json.dumps({"amount": 1})),
        ("started_at", NOW),
        ("request_id", "other"),
    ],
)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_of_what_was_asked_is_refused(column, value, is_nothing):
    call = GatewayCallFactory()

    with refused_by(*REWRITTEN):
        update(call, **{column: None if is_nothing else value}, outcome=GatewayOutcome.ANSWERED, finished_at=NOW)

    update(call, outcome=GatewayOutcome.ANSWERED, finished_at=NOW)


@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_of_the_payment_of_a_call_is_refused(is_nothing):
    payment, other = PaymentFactory(), PaymentFactory()
    call = GatewayCallFactory(payment=payment)

    with refused_by(*REWRITTEN):
        update(call, payment_id=None if is_nothing else other.pk)


def test_delete_call_is_refused():
    call = GatewayCallFactory()

    with refused_by("gateway_calls_undeleted", "DELETE on gateway_calls is refused: its rows are append-only"):
        delete(call)


def test_truncate_calls_is_refused():
    with refused_by("gateway_calls_untruncated", "TRUNCATE on gateway_calls is refused: its rows are append-only"):
        truncate(GatewayCall)

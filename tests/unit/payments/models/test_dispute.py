"""What the database refuses of disputes, and the steps that its trigger knows."""

import json
from itertools import product

import pytest
from django.db import transaction
from django.utils import timezone

from namaskah.errors import ConcurrentUpdateError
from payments.lifecycles import DISPUTE_EDGES, DisputeState
from payments.models import Dispute
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import DisputeFactory, place
from tests.unit.billing.models.raw_sql import (
    Violation,
    delete,
    disable_trigger,
    insert,
    refused_by,
    settle,
    truncate,
    update,
)
from tests.unit.payments.models.refund_steps import change, move
from tests.unit.payments.models.steps import entry

OPEN, LOST, WON, REVIEW = DisputeState

BIRTHS = [
    Violation("payments_dispute_amounts_positive", {"amount_minor": 0}, {"amount_minor": 1}),
    Violation("payments_dispute_amounts_positive", {"gateway_dispute_id": 0}, {"gateway_dispute_id": 1}),
    Violation("payments_dispute_amounts_positive", {"credit_amount": "-0.0001"}, {"credit_amount": "0"}),
    Violation("payments_dispute_amounts_positive", {"credit_amount": "NaN"}, {"credit_amount": "0.0001"}),
    Violation("payments_dispute_state_known", {"state": "drawn"}, behind="disputes_by_rule"),
    Violation("disputes_lock_version_check", {"lock_version": -1}, behind="disputes_by_rule"),
]
ROUTES = [(OPEN,), (OPEN, LOST), (OPEN, WON), (OPEN, REVIEW), (OPEN, REVIEW, LOST), (OPEN, REVIEW, WON)]
STEPS = list(product(ROUTES, DisputeState))
LEGAL = [(route, target) for route, target in STEPS if (route[-1], target) in DISPUTE_EDGES]
ILLEGAL = [
    (route, target) for route, target in STEPS if route[-1] != target and (route[-1], target) not in DISPUTE_EDGES
]


@pytest.fixture
def unborn(completed):
    return DisputeFactory.build(payment=completed)


@pytest.fixture
def dispute(completed):
    return DisputeFactory(payment=completed)


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    if violation.behind:
        disable_trigger(Dispute, violation.behind)

    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


def test_insert_a_dispute_of_the_gateway_twice_is_refused(dispute):
    with refused_by("disputes_gateway_dispute_id_key"):
        insert(DisputeFactory.build(payment=dispute.payment, gateway_dispute_id=dispute.gateway_dispute_id))

    insert(DisputeFactory.build(payment=dispute.payment))


@pytest.mark.parametrize(
    "columns",
    [{"state": "lost"}, {"state": "review"}, {"state": None}, {"lock_version": 1}, {"lock_version": None}],
    ids=str,
)
def test_insert_with_a_past_is_refused(columns, unborn):
    with refused_by("disputes_by_rule", "dispute % must be born open, at version 0"):
        insert(unborn, **columns)

    insert(unborn)


@pytest.mark.parametrize("told", [[], [entry("open", "open")], [entry(None, "lost")], [entry(None, "open")] * 2])
def test_insert_without_its_one_entry_is_refused(told, unborn):
    with refused_by("disputes_by_rule", "%: a step adds exactly one entry that tells it to the trail"):
        insert(unborn, state_transitions=json.dumps(told))

    insert(unborn)


def test_routes_reach_every_state():
    assert {route[-1] for route in ROUTES} == set(DisputeState)
    assert {(route[-1], target) for route, target in LEGAL} == set(DISPUTE_EDGES)


@pytest.mark.parametrize(("route", "target"), LEGAL)
def test_step_along_an_edge_is_taken(route, target, dispute):
    for state in route[1:]:
        move(dispute, state)

    move(dispute, target)

    settle()
    stored = Dispute.objects.get()
    assert (stored.state, stored.lock_version) == (target, len(route))
    assert [step["to"] for step in stored.state_transitions] == [*route, target]


@pytest.mark.parametrize(("route", "target"), ILLEGAL)
def test_step_without_an_edge_is_refused(route, target, dispute):
    for state in route[1:]:
        move(dispute, state)

    with refused_by("disputes_by_rule", "dispute %: there is no step from % to %"):
        move(dispute, target)

    assert Dispute.objects.get().state == route[-1]


@pytest.mark.parametrize("route", ROUTES)
def test_entry_without_a_step_is_refused(route, dispute):
    for state in route[1:]:
        move(dispute, state)

    with refused_by("disputes_by_rule", "%: the trail changes with the state only"):
        move(dispute, route[-1])


def test_step_that_does_not_tell_it_to_the_trail_is_refused(dispute):
    with refused_by("disputes_by_rule", "%: a step adds exactly one entry that tells it to the trail"):
        change(dispute, state="won")

    move(dispute, WON)


UNCHANGING = ("disputes_by_rule", "dispute %: what is disputed and booked does not change")


@pytest.mark.parametrize("version", [0, 2])
def test_update_with_another_version_is_refused(version, dispute):
    with refused_by(*UNCHANGING):
        change(dispute, lock_version=version)

    change(dispute, gateway_status="pending")


@pytest.mark.parametrize(
    "column", ["id", "gateway_dispute_id", "payment_id", "category", "amount_minor", "credit_amount", "created_at"]
)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_what_is_disputed_is_refused(column, is_nothing, dispute):
    other = DisputeFactory.build(
        payment=PaymentFactory(at="completed"), category="fraud", amount_minor=1, credit_amount=1
    )

    with refused_by(*UNCHANGING):
        change(dispute, **{column: None if is_nothing else getattr(other, column)})

    change(dispute, resolution="declined", due_at=timezone.now())


@pytest.mark.parametrize("column", ["hold_id", "ledger_entry_id"])
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_what_was_booked_is_refused(column, is_nothing, completed, dispute):
    def booked():
        return {"hold_id": place(completed.user, 1).pk, "ledger_entry_id": post(completed.user).pk}

    change(dispute, **booked())

    with refused_by(*UNCHANGING):
        change(dispute, **{column: None if is_nothing else booked()[column]})

    change(dispute, **{column: getattr(dispute, column)})


def test_delete_dispute_is_refused(dispute):
    with refused_by("disputes_undeleted", "DELETE on disputes is refused: its rows are append-only"):
        delete(dispute)


def test_truncate_disputes_is_refused(dispute):
    with refused_by("disputes_untruncated", "TRUNCATE on disputes is refused: its rows are append-only"):
        truncate(Dispute)


def test_save_of_a_changed_row_is_refused(dispute):
    with pytest.raises(TypeError, match=r"Dispute rows are changed through Dispute\.write only"):
        dispute.save()


def test_write_of_a_row_that_changed_meanwhile_is_refused(dispute):
    update(dispute, lock_version=1, resolution="declined")

    with pytest.raises(ConcurrentUpdateError), transaction.atomic():
        Dispute.write([dispute], now=timezone.now())

    assert Dispute.objects.get().resolution == "declined"


def test_dispute_says_where_it_stands_and_what_its_money_is_called(dispute):
    assert str(dispute) == f"dispute {dispute.gateway_dispute_id} (open)"
    assert dispute.reference == f"rfd-dispute-{dispute.gateway_dispute_id}"

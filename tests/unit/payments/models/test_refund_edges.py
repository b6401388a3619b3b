"""The database's trigger knows exactly the births and steps of a refund, on a way to every state."""

from itertools import product

import pytest

from payments.lifecycles import REFUND_BIRTHS, REFUND_EDGES, RefundState
from payments.models import Refund
from tests.factories.refunds import RefundFactory
from tests.unit.billing.models.raw_sql import insert, refused_by, settle
from tests.unit.payments.models.refund_steps import born, change, move_refund, walk

AWAITING, APPROVED, SUBMITTING, UNKNOWN, SUBMITTED, ATTENTION, PROCESSED, FAILED, REJECTED = RefundState

ROUTES = [
    (AWAITING,),
    (AWAITING, REJECTED),
    (AWAITING, APPROVED),
    (APPROVED,),
    (APPROVED, SUBMITTING),
    (APPROVED, SUBMITTING, APPROVED),
    (APPROVED, SUBMITTING, FAILED),
    (APPROVED, SUBMITTING, UNKNOWN),
    (APPROVED, SUBMITTING, UNKNOWN, ATTENTION),
    (APPROVED, SUBMITTING, UNKNOWN, SUBMITTED),
    (SUBMITTED,),
    (SUBMITTED, ATTENTION),
    (SUBMITTED, ATTENTION, PROCESSED),
    (SUBMITTED, PROCESSED),
    (SUBMITTED, FAILED),
]
STEPS = list(product(ROUTES, RefundState))
LEGAL = [(route, target) for route, target in STEPS if (route[-1], target) in REFUND_EDGES]
ILLEGAL = [
    (route, target) for route, target in STEPS if route[-1] != target and (route[-1], target) not in REFUND_EDGES
]


@pytest.fixture
def refund_at(completed):
    """Return how a refund is brought along a route."""

    def bring(route):
        refund = RefundFactory.build(payment=completed, **born(route[0]))
        insert(refund)
        refund.refresh_from_db()
        walk(refund, route[1:])
        return refund

    return bring


def test_routes_reach_every_state():
    assert {route[-1] for route in ROUTES} == set(RefundState)
    assert {(route[-1], target) for route, target in LEGAL} == set(REFUND_EDGES)
    assert {route[0] for route in ROUTES} == set(REFUND_BIRTHS)


@pytest.mark.parametrize("state", RefundState)
def test_refund_is_born_in_no_other_state(state, completed):
    refund = RefundFactory.build(payment=completed, **born(state))

    if state in REFUND_BIRTHS:
        insert(refund)
        settle()
    else:
        with refused_by("refunds_by_rule", "refund % must be born waiting, approved or submitted, at version 0"):
            insert(refund)


@pytest.mark.parametrize(("route", "target"), LEGAL)
def test_step_along_an_edge_is_taken(route, target, refund_at):
    refund = refund_at(route)

    move_refund(refund, target)

    settle()
    stored = Refund.objects.get()
    assert (stored.state, stored.lock_version) == (target, len(route))
    assert [step["to"] for step in stored.state_transitions] == [*route, target]


@pytest.mark.parametrize(("route", "target"), ILLEGAL)
def test_step_without_an_edge_is_refused(route, target, refund_at):
    refund = refund_at(route)

    with refused_by("refunds_by_rule", "refund %: there is no step from % to %"):
        move_refund(refund, target)

    assert Refund.objects.get().state == route[-1]


@pytest.mark.parametrize("route", ROUTES)
def test_entry_without_a_step_is_refused(route, refund_at):
    refund = refund_at(route)

    with refused_by("refunds_by_rule", "%: the trail changes with the state only"):
        move_refund(refund, route[-1])

    assert len(Refund.objects.get().state_transitions) == len(route)


def test_step_to_an_unknown_state_is_refused(refund_at):
    refund = refund_at((APPROVED,))

    with refused_by("refunds_by_rule", "refund %: there is no step from % to %"):
        move_refund(refund, "paid")


def test_step_with_the_version_of_before_is_refused(refund_at):
    refund = refund_at((APPROVED,))

    for version in (0, 2):
        with refused_by("refunds_by_rule", "refund %: an update must raise lock_version from % by one"):
            change(refund, lock_version=version, checks=1)

    change(refund, checks=1)

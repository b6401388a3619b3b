"""The database's trigger knows exactly the steps of `lifecycles.PAYMENT_EDGES`, on every way to a state."""

from itertools import product

import pytest

from payments.lifecycles import PAYMENT_EDGES, PaymentState
from payments.models import PaymentLog
from tests.unit.billing.models.raw_sql import post_entry, refused_by, settle
from tests.unit.payments.models.steps import build_credit, credit_of, evidence_of, move, take_step, walk

PENDING, PROCESSING, COMPLETED, FAILED, REFUNDED = PaymentState

ROUTES = [
    (PENDING,),
    (PENDING, PROCESSING),
    (PENDING, FAILED),
    (PENDING, PROCESSING, FAILED),
    (PENDING, COMPLETED),
    (PENDING, PROCESSING, COMPLETED),
    (PENDING, FAILED, COMPLETED),
    (PENDING, COMPLETED, REFUNDED),
    (PENDING, PROCESSING, REFUNDED),
    (PENDING, FAILED, REFUNDED),
]
STEPS = list(product(ROUTES, PaymentState))
LEGAL = [(route, target) for route, target in STEPS if (route[-1], target) in PAYMENT_EDGES]
ILLEGAL = [
    (route, target) for route, target in STEPS if route[-1] != target and (route[-1], target) not in PAYMENT_EDGES
]


def test_routes_reach_every_state():
    assert {route[-1] for route in ROUTES} == set(PaymentState)
    assert {(route[-1], target) for route, target in LEGAL} == set(PAYMENT_EDGES)


@pytest.mark.parametrize(("route", "target"), LEGAL)
def test_step_along_an_edge_is_taken(route, target, payment):
    walk(payment, route[1:])

    take_step(payment, target)

    settle()
    stored = PaymentLog.objects.get()
    assert (stored.state, stored.lock_version) == (target, len(route))
    assert [step["to"] for step in stored.state_transitions] == [*route, target]


@pytest.mark.parametrize(("route", "target"), ILLEGAL)
def test_step_without_an_edge_is_refused(route, target, payment):
    walk(payment, route[1:])

    with refused_by("payment_logs_change_by_rule", "payment %: there is no step from % to %"):
        take_step(payment, target)

    assert PaymentLog.objects.get().state == route[-1]


@pytest.mark.parametrize("route", ROUTES)
def test_entry_without_a_step_is_refused(route, payment):
    walk(payment, route[1:])

    with refused_by("payment_logs_change_by_rule", "payment %: the trail changes with the state only"):
        move(payment, route[-1])

    assert len(PaymentLog.objects.get().state_transitions) == len(route)


def test_step_to_an_unknown_state_is_refused(payment):
    with refused_by("payment_logs_change_by_rule", "payment %: there is no step from % to %"):
        move(payment, "paid")


@pytest.mark.parametrize("state", [PROCESSING, FAILED])
def test_step_to_refunded_with_a_credit_is_refused(state, payment):
    walk(payment, [state])

    with refused_by("payment_logs_change_by_rule", "payment %: only money that was never credited goes back from %"):
        post_entry(build_credit(payment))
        move(payment, REFUNDED, **evidence_of(payment), **credit_of(payment))

    take_step(payment, REFUNDED)

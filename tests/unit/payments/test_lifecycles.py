"""The table of a payment's steps, and that django-fsm knows these and no others."""

from itertools import product

import pytest
from django_fsm import TransitionNotAllowed

from payments.lifecycles import DUE_STATUSES, PAYMENT_EDGES, EventStatus, PaymentState, sources_of
from payments.models import PaymentLog
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.payments.models.test_payment import NOW

PENDING, PROCESSING, COMPLETED, FAILED, REFUNDED = PaymentState

STEPS = {
    PROCESSING: lambda payment: payment.start_processing(cause=CAUSE, now=NOW),
    COMPLETED: lambda payment: payment.complete(
        evidence=EvidenceFactory(of=payment), credited_amount=payment.credit_amount, cause=CAUSE, now=NOW
    ),
    FAILED: lambda payment: payment.fail(code="expired", message="", cause=CAUSE, now=NOW),
}


def get_transitions() -> set[tuple[str, str]]:
    """Return every step that a method of the model takes."""
    field = PaymentLog._meta.get_field("state")
    return {(step.source, step.target) for step in field.get_all_transitions(PaymentLog)}


def test_edges_are_these_and_no_others():
    assert set(PAYMENT_EDGES) == {
        (PENDING, PROCESSING),
        (PENDING, COMPLETED),
        (PENDING, FAILED),
        (PROCESSING, COMPLETED),
        (PROCESSING, FAILED),
        (FAILED, COMPLETED),
        (COMPLETED, REFUNDED),
        (PROCESSING, REFUNDED),
        (FAILED, REFUNDED),
    }


def test_every_edge_names_its_event():
    assert [edge for edge, event in PAYMENT_EDGES.items() if not event] == []


def test_only_refunded_is_final():
    assert set(PaymentState) - {source for source, _ in PAYMENT_EDGES} == {REFUNDED}


@pytest.mark.parametrize(
    ("target", "sources"),
    [
        (PENDING, []),
        (PROCESSING, [PENDING]),
        (COMPLETED, [PENDING, PROCESSING, FAILED]),
        (FAILED, [PENDING, PROCESSING]),
        (REFUNDED, [COMPLETED, PROCESSING, FAILED]),
    ],
)
def test_sources_of_each_state(target, sources):
    assert sources_of(target) == sources


def test_model_has_a_step_for_each_target_walked_here():
    assert {target for _, target in get_transitions()} == set(STEPS)


def test_steps_of_the_model_are_edges():
    assert get_transitions() == {edge for edge in PAYMENT_EDGES if edge[1] in STEPS}


@pytest.mark.parametrize(("source", "target"), list(product(PaymentState, STEPS)))
def test_step_is_taken_along_an_edge_only(source, target):
    payment = PaymentFactory.build(user=UserFactory.build(), state=source)

    if (source, target) in PAYMENT_EDGES:
        STEPS[target](payment)
        assert (payment.state, len(payment.state_transitions)) == (target, 2)
    else:
        with pytest.raises(TransitionNotAllowed):
            STEPS[target](payment)
        assert (payment.state, len(payment.state_transitions)) == (source, 1)


def test_due_statuses_are_those_of_events_still_to_be_applied():
    assert DUE_STATUSES == (EventStatus.RECEIVED, EventStatus.RETRYING)

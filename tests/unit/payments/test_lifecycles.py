"""The tables of steps, and that django-fsm knows these and no others."""

from itertools import product
from typing import Any

import pytest
from django_fsm import TransitionNotAllowed

from payments.lifecycles import (
    DISPUTE_EDGES,
    DISPUTE_STANDING,
    DISPUTE_UNDECIDED,
    DUE_STATUSES,
    PAYMENT_EDGES,
    REFUND_BIRTHS,
    REFUND_EDGES,
    REFUND_ENDED_WITHOUT_MONEY,
    REFUND_IN_DOUBT,
    DisputeState,
    EventStatus,
    PaymentState,
    RefundState,
    dispute_sources_of,
    refund_sources_of,
    sources_of,
)
from payments.models import Dispute, PaymentLog, Refund
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.refunds import DisputeFactory, RefundFactory
from tests.factories.users import UserFactory
from tests.unit.payments.models.test_payment import NOW

PENDING, PROCESSING, COMPLETED, FAILED, REFUNDED = PaymentState

STEPS = {
    PROCESSING: lambda payment: payment.start_processing(cause=CAUSE, now=NOW),
    COMPLETED: lambda payment: payment.complete(
        evidence=EvidenceFactory(of=payment), credited_amount=payment.credit_amount, cause=CAUSE, now=NOW
    ),
    FAILED: lambda payment: payment.fail(code="expired", message="", cause=CAUSE, now=NOW),
    REFUNDED: lambda payment: payment.note_refunded(cause=CAUSE, now=NOW),
}
REFUND_STEPS = {
    RefundState.APPROVED: lambda refund: refund.approve(cause=CAUSE, reason="approved", now=NOW),
    RefundState.REJECTED: lambda refund: refund.reject(cause=CAUSE, now=NOW),
    RefundState.SUBMITTING: lambda refund: refund.start_submitting(cause=CAUSE, now=NOW),
    RefundState.UNKNOWN: lambda refund: refund.lose_sight(cause=CAUSE, now=NOW),
    RefundState.SUBMITTED: lambda refund: refund.note_submitted(
        gateway_refund_id=1, cause=CAUSE, reason="found", now=NOW
    ),
    RefundState.NEEDS_ATTENTION: lambda refund: refund.ask_for_attention(reason="not_found", cause=CAUSE, now=NOW),
    RefundState.PROCESSED: lambda refund: refund.note_processed(cause=CAUSE, now=NOW),
    RefundState.FAILED: lambda refund: refund.fail(code="gateway_failed", message="", cause=CAUSE, now=NOW),
}
DISPUTE_STEPS = {
    DisputeState.LOST: lambda dispute: dispute.lose(cause=CAUSE, now=NOW),
    DisputeState.WON: lambda dispute: dispute.win(cause=CAUSE, now=NOW),
    DisputeState.REVIEW: lambda dispute: dispute.ask_for_review(cause=CAUSE, now=NOW),
}


def get_transitions(model: Any = PaymentLog) -> set[tuple[str, str]]:
    """Return every step that a method of the model takes."""
    field = model._meta.get_field("state")
    return {(step.source, step.target) for step in field.get_all_transitions(model)}


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


def test_refund_edges_are_these_and_no_others():
    assert {f"{source}>{target}" for source, target in REFUND_EDGES} == {
        "awaiting_approval>approved",
        "awaiting_approval>rejected",
        "approved>submitting",
        "approved>failed",
        "submitting>approved",
        "submitting>submitted",
        "submitting>failed",
        "submitting>unknown",
        "unknown>submitted",
        "unknown>failed",
        "unknown>needs_attention",
        "submitted>processed",
        "submitted>failed",
        "submitted>needs_attention",
        "needs_attention>submitted",
        "needs_attention>processed",
        "needs_attention>failed",
    }


def test_dispute_edges_are_these_and_no_others():
    assert {f"{source}>{target}" for source, target in DISPUTE_EDGES} == {
        "open>lost",
        "open>won",
        "open>review",
        "review>lost",
        "review>won",
    }


@pytest.mark.parametrize("edges", [REFUND_EDGES, DISPUTE_EDGES])
def test_every_edge_of_refunds_and_disputes_names_its_event(edges):
    assert [edge for edge, event in edges.items() if not event] == []


def test_final_states_of_refunds_and_disputes():
    assert set(RefundState) - {source for source, _ in REFUND_EDGES} == {"processed", "failed", "rejected"}
    assert set(DisputeState) - {source for source, _ in DISPUTE_EDGES} == {"lost", "won"}


def test_refund_is_never_sent_again_once_it_may_have_been_sent():
    assert refund_sources_of(RefundState.SUBMITTING) == [RefundState.APPROVED]
    # Back to approved only from the call itself, which knows that nothing was sent.
    assert refund_sources_of(RefundState.APPROVED) == [RefundState.AWAITING_APPROVAL, RefundState.SUBMITTING]


def test_groups_of_refund_states():
    assert set(REFUND_BIRTHS) == {"awaiting_approval", "approved", "submitted"}
    assert set(REFUND_ENDED_WITHOUT_MONEY) == {"failed", "rejected"}
    assert set(REFUND_IN_DOUBT) == {"submitting", "unknown"}


@pytest.mark.parametrize(("model", "edges"), [(Refund, REFUND_EDGES), (Dispute, DISPUTE_EDGES)])
def test_steps_of_refunds_and_disputes_are_their_edges(model, edges):
    assert get_transitions(model) == set(edges)


@pytest.mark.parametrize(("source", "target"), list(product(RefundState, REFUND_STEPS)))
def test_refund_step_is_taken_along_an_edge_only(source, target):
    refund = RefundFactory.build(payment=PaymentFactory.build(user=UserFactory.build()), state=source)

    if source in refund_sources_of(target):
        REFUND_STEPS[target](refund)
        assert (refund.state, [step["to"] for step in refund.state_transitions]) == (target, [source, target])
    else:
        with pytest.raises(TransitionNotAllowed):
            REFUND_STEPS[target](refund)
        assert (refund.state, len(refund.state_transitions)) == (source, 1)


@pytest.mark.parametrize(("source", "target"), list(product(DisputeState, DISPUTE_STEPS)))
def test_dispute_step_is_taken_along_an_edge_only(source, target):
    dispute = DisputeFactory.build(payment=PaymentFactory.build(user=UserFactory.build()), state=source)

    if source in dispute_sources_of(target):
        DISPUTE_STEPS[target](dispute)
        assert (dispute.state, [step["to"] for step in dispute.state_transitions]) == (target, [source, target])
    else:
        with pytest.raises(TransitionNotAllowed):
            DISPUTE_STEPS[target](dispute)
        assert (dispute.state, len(dispute.state_transitions)) == (source, 1)


def test_undecided_disputes_are_those_that_can_still_be_decided():
    assert set(DISPUTE_UNDECIDED) == {source for source, _ in DISPUTE_EDGES}


def test_every_dispute_stands_but_one_that_was_won():
    assert set(DISPUTE_STANDING) == set(DisputeState) - {DisputeState.WON}

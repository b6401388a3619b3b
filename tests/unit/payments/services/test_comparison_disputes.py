"""What counts as a difference between two books about a dispute."""

import pytest

from payments.gateways.paystack.disputes import DisputeReport
from payments.lifecycles import DisputeState
from payments.models import Dispute
from payments.services.comparison import compare_disputes
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory

# What the gateway says of a dispute, and the state that ours must have then.
DISPUTE_WORDS = [
    ("awaiting-merchant-feedback", "", DisputeState.OPEN),
    ("pending", "", DisputeState.OPEN),
    ("something new", "declined", DisputeState.OPEN),
    ("resolved", "merchant-accepted", DisputeState.LOST),
    ("resolved", "auto-accepted", DisputeState.LOST),
    ("resolved", "declined", DisputeState.WON),
    ("resolved", "", DisputeState.REVIEW),
    ("resolved", "something new", DisputeState.REVIEW),
]


def make_payment():
    """Return a payment that was never stored."""
    return PaymentFactory.build(user=UserFactory.build(pk=1))


@pytest.fixture
def payment():
    return make_payment()


def make_dispute_report(payment, **words):
    said = {"dispute_id": 9, "status": "pending", "resolution": "", "amount_minor": 100, "currency": "NGN"} | words
    return DisputeReport(category="fraud", reference=payment.reference, due_at=None, resolved_at=None, **said)


def dispute_differences(payment, theirs, ours):
    found = compare_disputes(theirs, ours, {payment.reference: payment})
    return [(str(one.kind), one.subject, one.ours, one.theirs) for one in found]


@pytest.mark.parametrize("state", DisputeState)
@pytest.mark.parametrize(("status", "resolution", "expected"), DISPUTE_WORDS)
def test_compare_disputes_finds_every_state_but_the_one_that_the_gateway_means(
    payment, status, resolution, expected, state
):
    dispute = Dispute(payment=payment, gateway_dispute_id=9, state=state)
    said = " ".join(word for word in (status, resolution, "100 NGN") if word)

    found = dispute_differences(
        payment, [make_dispute_report(payment, status=status, resolution=resolution)], [dispute]
    )

    assert found == ([] if state == expected else [("state", "dispute 9", state, said)])


def test_compare_disputes_finds_one_that_nobody_told_us_of(payment):
    theirs = [make_dispute_report(payment, amount_minor=None, currency="")]

    assert dispute_differences(payment, theirs, []) == [("missing_here", "dispute 9", "no dispute", "pending")]


@pytest.mark.parametrize("state", DisputeState)
def test_compare_disputes_finds_one_that_is_unknown_there(payment, state):
    dispute = Dispute(payment=payment, gateway_dispute_id=9, state=state)

    assert dispute_differences(payment, [], [dispute]) == [("missing_there", "dispute 9", state, "no dispute")]


@pytest.mark.parametrize("ours", [[], [9]])
def test_compare_disputes_finds_another_currency_before_anything_else(payment, ours):
    disputes = [Dispute(payment=payment, gateway_dispute_id=number) for number in ours]
    theirs = [make_dispute_report(payment, currency="GHS", status="resolved")]

    assert dispute_differences(payment, theirs, disputes) == [("currency", "dispute 9", "NGN", "resolved 100 GHS")]


def test_compare_disputes_leaves_alone_what_is_another_products(payment):
    assert dispute_differences(payment, [make_dispute_report(make_payment())], []) == []

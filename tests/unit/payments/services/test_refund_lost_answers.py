"""Refunds whose answer was lost: looked for in the gateway's list, and never sent again."""

from datetime import timedelta
from operator import itemgetter

import pytest
from django.utils import timezone

from payments.models import GatewayCall
from payments.services import refund_follow_up
from tests.factories.refunds import request
from tests.unit.payments.services.refunding import (
    buy,
    make_due,
    minutes_later,
    move,
    refund_on_dashboard,
    refunds_there,
    standing,
    states,
    steps,
    submit,
    sync,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("impatience")]

AFTER_ACCEPT = [
    {"fault": "reset_after_accept"},
    {"fault": "http_500_after_accept"},
    {"fault": "half_body"},
    {"fault": "not_json"},
    {"fault": "missing_data"},
    {"fault": "html_200", "accepted": True},
    {"fault": "timeout_after_accept", "seconds": 1.0},
]

BEFORE_ACCEPT = [
    {"fault": "reset_before_accept"},
    {"fault": "http_500"},
    {"fault": "http_503"},
    {"fault": "html_200"},
    {"fault": "timeout_before_accept", "seconds": 1.0},
]


@pytest.fixture
def payment(sandbox):
    return buy(sandbox)


@pytest.fixture
def refund(payment):
    """Ten of the payment's 25 credits, about to go back."""
    return request(payment, "10.00")


@pytest.mark.parametrize("script", AFTER_ACCEPT, ids=itemgetter("fault"))
def test_lost_answer_after_accept_is_found_in_the_list(script, sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, **script)

    submit(refund)
    assert (refund.state, refund.next_check_at > timezone.now()) == ("unknown", True)
    sync(payment, now=minutes_later(refund, 1), due=[refund])

    [there] = refunds_there(sandbox, payment)
    refund.refresh_from_db()
    assert (refund.state, refund.gateway_refund_id) == ("submitted", there["id"])
    assert steps(refund) == ["approved", "submitting", "unknown", "submitted"]
    assert standing(payment.user) == (15, 0, [25, -10])


@pytest.mark.parametrize("script", BEFORE_ACCEPT, ids=itemgetter("fault"))
def test_lost_answer_before_accept_waits_for_a_person_after_three_looks(script, sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, **script)
    submit(refund)
    looks = []

    for minutes in (1, 6, 36):
        now = minutes_later(refund, minutes)
        looks.append((refund.state, round((refund.next_check_at - refund.submitted_at).total_seconds() / 60)))
        sync(payment, now=now, due=[refund])
        refund.refresh_from_db()

    assert looks == [("unknown", 1), ("unknown", 6), ("unknown", 36)]
    assert (refund.state, refund.next_check_at) == ("needs_attention", minutes_later(refund, 36) + timedelta(days=1))
    assert refund.state_transitions[-1]["reason"] == "not_found"
    # Its credits stay where they are until a person has looked.
    assert standing(payment.user) == (15, 0, [25, -10])


def test_lost_answer_is_never_followed_by_another_send(sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    submit(refund)
    for minutes in (1, 6, 36, 36 + 24 * 60, 36 + 48 * 60):
        submit(refund)
        sync(payment, now=minutes_later(refund, minutes), due=[refund])
        make_due(refund)
        refund_follow_up.follow_up_refunds()

    refund.refresh_from_db()
    assert refund.state == "needs_attention"
    assert GatewayCall.objects.filter(operation="refund").count() == 1
    assert refunds_there(sandbox, payment) == []


def test_refund_given_up_on_that_turns_up_late_is_ours(sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    submit(refund)
    for minutes in (1, 6, 36):
        sync(payment, now=minutes_later(refund, minutes), due=[refund])

    refund_on_dashboard(sandbox, payment, refund.amount_minor, merchant_note=refund.reference)
    sync(payment)

    refund.refresh_from_db()
    assert (refund.state, states(payment)) == ("submitted", ["submitted"])
    assert standing(payment.user) == (15, 0, [25, -10])


@pytest.mark.parametrize(
    ("status", "went", "amounts"),
    [
        ("processed", ["unknown", "submitted", "processed"], [25, -10]),
        ("failed", ["unknown", "submitted", "failed"], [25, -10, 10]),
        ("needs-attention", ["unknown", "submitted", "needs_attention"], [25, -10]),
        ("processing", ["unknown", "submitted"], [25, -10]),
    ],
)
def test_refund_found_when_the_gateway_is_further_already(status, went, amounts, sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="reset_after_accept")
    submit(refund)
    move(sandbox, payment, status)

    sync(payment, now=minutes_later(refund, 1), due=[refund])

    assert steps(refund) == ["approved", "submitting", *went]
    assert standing(payment.user) == (sum(amounts), 0, amounts)


def test_events_nudges_count_for_no_look(sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    submit(refund)
    before = refund.next_check_at

    for _ in range(4):
        sync(payment)

    refund.refresh_from_db()
    assert (refund.state, refund.checks, refund.next_check_at) == ("unknown", 0, before)

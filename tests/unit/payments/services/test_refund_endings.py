"""A refund that was looked for in vain is ended by a second person, and what the gateway has is not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.audit.records import record_action
from namaskah.errors import PermissionDeniedError
from payments.services import refund_endings
from payments.services.refund_terms import RefundExceedsPaymentError
from payments.services.refunds import RefundNotFoundError, RefundNotWaitingError
from tests.factories.payments import CAUSE
from tests.factories.people import AgentFactory
from tests.factories.refunds import request
from tests.factories.users import StaffFactory
from tests.unit.payments.services.refunding import buy, refund_on_dashboard, standing, states, steps, submit, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy(sandbox)


@pytest.fixture
def lost(sandbox, payment):
    """A refund of 10 credits that never reached the gateway, as three looks have told."""
    refund = request(payment, "10.00")
    sandbox.script(operation="refund", fault="reset_before_accept")
    submit(refund)
    for minutes in (1, 6, 36):
        sync(payment, now=timezone.now() + timedelta(minutes=minutes), due=[refund])
    assert steps(refund)[-1] == "needs_attention"
    return refund


def end(refund, by=None):
    return refund_endings.end_unsent_refund(
        refund_id=refund.pk, reason="Not on the dashboard", by=by or StaffFactory(), cause=CAUSE, now=timezone.now()
    )


def test_end_unsent_refund_gives_the_credits_back_and_another_may_be_asked_for(payment, lost):
    ended = end(lost)

    assert (ended.state, ended.error_code, ended.error_message) == ("failed", "never_sent", "Not on the dashboard")
    assert standing(payment.user) == (25, 0, [25, -10, 10])
    assert request(payment, "25.00").state == "approved"


def test_end_unsent_refund_asks_the_gateway_first_and_follows_what_it_has(sandbox, payment, lost):
    refund_on_dashboard(sandbox, payment, lost.amount_minor, merchant_note=f"Sent by hand for {lost.reference}")

    with pytest.raises(RefundNotWaitingError, match="Paystack has it"):
        end(lost)

    assert states(payment) == ["submitted"]
    assert standing(payment.user) == (15, 0, [25, -10])


def test_end_unsent_refund_books_what_was_sent_on_the_dashboard_in_its_place(sandbox, payment, lost):
    refund_on_dashboard(sandbox, payment)
    with pytest.raises(RefundExceedsPaymentError):
        sync(payment)

    assert end(lost).state == "failed"

    assert states(payment) == ["failed", "submitted"]
    assert standing(payment.user) == (0, 0, [25, -10, 10, -25])


def test_end_unsent_refund_twice_is_refused_and_gives_nothing_more(payment, lost):
    end(lost)

    with pytest.raises(RefundNotWaitingError):
        end(lost)

    assert standing(payment.user) == (25, 0, [25, -10, 10])


@pytest.mark.parametrize("who", ["asked", "paid", "nobody", "puppet"])
def test_end_unsent_refund_by_the_wrong_person_is_refused(who, payment, lost):
    payment.user.is_superuser = True
    payment.user.save()
    by = {
        "asked": lost.requested_by,
        "paid": payment.user,
        "nobody": AgentFactory(permission="request_refund"),
        "puppet": AgentFactory(permission="approve_refund", username="puppet"),
    }[who]
    record_action(by=lost.requested_by, action="staff.add", subject="puppet")

    with pytest.raises(PermissionDeniedError):
        end(lost, by=by)

    assert standing(payment.user) == (15, 0, [25, -10])


def test_end_unsent_refund_of_one_that_goes_its_way_is_refused(payment):
    refund = submit(request(payment, "10.00"))

    with pytest.raises(RefundNotWaitingError, match="submitted"):
        end(refund)


def test_end_unsent_refund_that_there_is_not(payment):
    payment.pk = payment.idempotency_key

    with pytest.raises(RefundNotFoundError):
        end(payment)

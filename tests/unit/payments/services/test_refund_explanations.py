"""What is said of each refund: why it is where it is, and of one that does not move, what it waits for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.lifecycles import FAILED_WHILE_DISPUTED, RefundState
from payments.models import Refund
from payments.services.moments import tell_time
from payments.services.refund_explanations import explain_refund, tell_wait
from tests.factories.payments import CAUSE
from tests.factories.refunds import DisputeFactory, RefundFactory, request
from tests.factories.workers import hear_worker
from tests.unit.payments.services.refunding import buy, submit

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(days=2)


@pytest.fixture(autouse=True)
def _worker_lives(db):
    hear_worker()


def make(state, reason="requested", at=None, **fields):
    at = at or timezone.now()
    step = {"from": None, "to": state, "at": at.isoformat(), "by": "", "source": "worker", "reason": reason}
    return RefundFactory.build(state=state, state_transitions=[step], **fields)


def approve(**fields):
    return RefundFactory(**{"next_check_at": timezone.now()} | fields)


@pytest.mark.parametrize("state", RefundState)
def test_each_state_has_an_explanation(state):
    assert explain_refund(make(state, error_message="Declined.")).endswith(".")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("bank_details_needed", "Ask the customer for bank, account number and name"),
        ("not_found", "end it as never sent"),
        (FAILED_WHILE_DISPUTED, "The dispute decides"),
        ("something_new", "Look at it on Paystack's dashboard."),
    ],
)
def test_what_needs_a_person_is_told_by_its_reason(reason, words):
    assert words in explain_refund(make(RefundState.NEEDS_ATTENTION, reason))


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [("Declined.", "x", "It failed: Declined. The money"), ("", "never", "failed: never.")],
)
def test_a_failure_is_told_by_its_message_or_else_its_code(message, code, words):
    refund = make(RefundState.FAILED, error_message=message, error_code=code)

    assert words in explain_refund(refund)


def test_one_that_was_just_approved_is_sent_next():
    assert explain_refund(approve()) == (
        "The credits are taken. It is sent next: a worker gives it to Paystack within seconds."
    )


def test_one_of_money_that_was_never_credited_takes_no_credits():
    assert explain_refund(approve(credit_amount=0)).startswith("It is sent next")


def test_one_that_lies_for_long_is_not_said_to_go_within_seconds():
    assert tell_wait(approve(created_at=timezone.now() - LONG_AGO)) == (
        "It should have been sent long ago, and nothing was. It is taken up again as soon as a worker is free."
    )


@pytest.mark.parametrize("age", [timedelta(0), LONG_AGO])
def test_without_a_worker_nothing_is_said_to_go_within_seconds(age):
    hear_worker(ago=timedelta(minutes=27))

    told = tell_wait(approve(created_at=timezone.now() - age))

    assert "within seconds" not in told
    assert told.endswith(
        "No worker was heard for 27 minutes, so nothing goes on by itself: tell an operator, who starts one."
    )


def test_one_of_a_disputed_payment_waits_for_the_dispute():
    refund = approve(created_at=timezone.now() - LONG_AGO)
    DisputeFactory(payment=refund.payment)

    assert tell_wait(refund) == (
        "It is not sent now: the payer's bank disputes the payment, and the same money must not go back twice. It is "
        "sent once the dispute is won, and ends when that is lost."
    )


def test_one_beside_another_in_doubt_waits_for_that(sandbox):
    payment = buy(sandbox)
    sandbox.script(operation="refund", fault="reset_after_accept")
    lost = submit(request(payment, "5"))
    waiting = submit(request(payment, "5"))

    assert (lost.state, waiting.state) == (RefundState.UNKNOWN, RefundState.APPROVED)
    assert tell_wait(waiting) == (
        f"It is not sent now: nobody knows yet whether Paystack has {lost.reference}, another refund of the payment."
    )


def test_one_that_paystack_did_not_take_says_when_and_why_and_when_next(sandbox, settings):
    refund = request(buy(sandbox), "5")
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    refund = submit(refund)

    assert (refund.state, refund.state_transitions[-1]["reason"]) == (RefundState.APPROVED, "not_sent")
    told = tell_wait(refund)
    assert told.startswith("Paystack did not take it at 2")
    assert "(gateway_unavailable): it was certainly not sent." in told
    assert told.endswith(f"It is taken up again at {tell_time(refund.next_check_at)}.")


def test_one_that_nobody_knows_of_says_when_it_is_looked_for_next(sandbox):
    sandbox.script(operation="refund", fault="reset_after_accept")
    refund = submit(request(buy(sandbox), "5"))

    told = explain_refund(refund)

    assert told.startswith("It was sent and no usable answer came.")
    assert told.endswith(f"It is taken up again at {tell_time(refund.next_check_at)}.")


@pytest.mark.parametrize(("age", "told"), [(timedelta(0), "at this moment"), (LONG_AGO, "that was broken off")])
def test_one_that_is_being_sent_for_long_was_broken_off(age, told):
    refund = approve()
    refund.start_submitting(cause=CAUSE, now=timezone.now() - age)
    Refund.write([refund], now=timezone.now())

    assert told in explain_refund(refund)

"""Sending a refund: once, and never again while nobody knows what became of it."""

from datetime import timedelta
from decimal import Decimal
from operator import itemgetter

import pytest
from django.utils import timezone

from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import DisputeState
from payments.models import GatewayCall, Refund
from payments.services import refund_submission
from tests.factories.payments import CAUSE
from tests.factories.refunds import DisputeFactory, request
from tests.factories.users import StaffFactory
from tests.unit.payments.models.refund_steps import move as move_row
from tests.unit.payments.services.refunding import (
    buy,
    digest,
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

CERTAINLY_NOT_SENT = [{"fault": "rate_limited"}, {"fault": "unauthorized"}]


class DeathError(BaseException):
    """The end of the process, which nothing can catch."""


@pytest.fixture
def payment(sandbox):
    return buy(sandbox)


@pytest.fixture
def refund(payment):
    """Ten of the payment's 25 credits, about to go back."""
    return request(payment, "10.00")


def test_submit_refund_is_taken_by_the_gateway(sandbox, payment, refund):
    submit(refund)

    [there] = refunds_there(sandbox, payment)
    assert (refund.state, refund.gateway_refund_id) == ("submitted", there["id"])
    assert (there["amount_minor"], there["currency"]) == (1_650_000, "NGN")
    assert there["merchant_note"] == refund.reference
    assert steps(refund) == ["approved", "submitting", "submitted"]
    assert standing(payment.user) == (15, 0, [25, -10])


def test_submit_refund_looks_again_in_five_minutes(refund):
    before = timezone.now()

    submit(refund)

    assert timedelta(minutes=5) <= refund.next_check_at - before < timedelta(minutes=6)
    assert before <= refund.submitted_at <= timezone.now()


def test_submit_refund_writes_the_call_down(payment, refund):
    submit(refund)

    call = GatewayCall.objects.get(operation="refund")
    assert (call.payment_id, call.reference, call.outcome) == (payment.pk, payment.reference, "answered")
    assert call.request == {"amount_minor": 1_650_000, "merchant_note": refund.reference}


def test_submit_refund_commits_that_it_is_being_sent_before_it_is(refund, monkeypatch):
    seen = []

    def look(**terms):
        seen.append((Refund.objects.get().state, terms["merchant_note"]))
        raise DeathError

    monkeypatch.setattr(refund_submission.paystack_refunds, "create_refund", look)
    with pytest.raises(DeathError):
        submit(refund)

    assert seen == [("submitting", refund.reference)]


def test_submit_refund_that_the_gateway_refuses_gives_back_once(sandbox, payment, refund):
    sandbox.script(
        operation="refund",
        reference=payment.reference,
        fault="rejected",
        code="insufficient_balance",
        message="Top up.",
    )

    submit(refund)

    assert (refund.state, refund.error_code, refund.error_message) == ("failed", "insufficient_balance", "Top up.")
    assert (refund.reversal.amount, refund.reversal.reverses_id) == (10, refund.ledger_entry_id)
    assert (refund.reversal.type, refund.reversal.counter_account) == ("reversal", "gateway:paystack")
    assert refund.next_check_at is None
    assert standing(payment.user) == (25, 0, [25, -10, 10])


def test_refund_that_failed_stays_failed(sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="rejected")
    submit(refund)
    before = digest()

    submit(refund)
    sync(payment, due=[refund])

    assert digest() == before
    assert request(payment, "25.00").state == "approved"


def test_submit_refund_of_all_that_went_back_elsewhere_fails_and_gives_back(sandbox, payment):
    refund = request(payment)
    refund_on_dashboard(sandbox, payment)

    submit(refund)

    assert (refund.state, refund.error_code) == ("failed", "transaction_reversed")
    sync(payment)
    assert states(payment) == ["failed", "submitted"]
    assert standing(payment.user) == (0, 0, [25, -25, 25, -25])


@pytest.mark.parametrize("script", CERTAINLY_NOT_SENT, ids=itemgetter("fault"))
def test_submit_refund_that_was_not_taken_is_sent_again_a_minute_later(script, sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, **script)
    before = timezone.now()

    submit(refund)

    assert steps(refund) == ["approved", "submitting", "approved"]
    assert refund.state_transitions[-1]["reason"] == "not_sent"
    assert timedelta(minutes=1) <= refund.next_check_at - before < timedelta(minutes=2)
    submit(refund)
    assert (refund.state, len(refunds_there(sandbox, payment))) == ("submitted", 1)
    assert standing(payment.user) == (15, 0, [25, -10])


def test_submit_refund_with_nobody_at_the_gateway_is_approved_again(sandbox, payment, refund, settings):
    close_connections()
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:9"

    submit(refund)

    assert steps(refund) == ["approved", "submitting", "approved"]
    close_connections()
    settings.PAYSTACK_BASE_URL = sandbox.url
    submit(refund)
    assert (refund.state, len(refunds_there(sandbox, payment))) == ("submitted", 1)


def die_before(call):
    def die(*_, **__):
        raise DeathError

    return die


def die_after(call):
    def die(*arguments, **terms):
        call(*arguments, **terms)
        raise DeathError

    return die


@pytest.mark.parametrize(("death", "is_there"), [(die_before, False), (die_after, True)])
def test_process_killed_while_sending_leaves_it_to_the_gateways_list(
    death, is_there, sandbox, payment, refund, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(
            refund_submission.paystack_refunds, "create_refund", death(refund_submission.paystack_refunds.create_refund)
        )
        with pytest.raises(DeathError):
            submit(refund)
    refund.refresh_from_db()
    assert refund.state == "submitting"
    assert refund.next_check_at - refund.submitted_at == timedelta(minutes=1)

    # Nobody sends it again, whoever tries.
    submit(refund)
    assert refund.state == "submitting"
    sync(payment, now=minutes_later(refund, 1), due=[refund])

    refund.refresh_from_db()
    assert refund.state == ("submitted" if is_there else "unknown")
    assert len(refunds_there(sandbox, payment)) == is_there
    assert standing(payment.user) == (15, 0, [25, -10])


def test_process_killed_before_it_could_conclude_changes_nothing_twice(sandbox, payment, refund, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(refund_submission, "_conclude", die_before(None))
        with pytest.raises(DeathError):
            submit(refund)

    sync(payment, due=[refund])

    refund.refresh_from_db()
    assert (refund.state, len(refunds_there(sandbox, payment))) == ("submitted", 1)


def test_look_at_a_call_still_under_way_does_not_lose_sight_of_it(payment, refund, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(refund_submission.paystack_refunds, "create_refund", die_before(None))
        with pytest.raises(DeathError):
            submit(refund)
    refund.refresh_from_db()

    sync(payment, now=refund.submitted_at + timedelta(seconds=59), due=[refund])
    refund.refresh_from_db()
    assert refund.state == "submitting"

    sync(payment, now=refund.submitted_at + timedelta(seconds=60))
    refund.refresh_from_db()
    assert refund.state == "unknown"


def test_submit_refund_found_meanwhile_stays_as_it_was_found(sandbox, payment, refund, monkeypatch):
    real = refund_submission.paystack_refunds.create_refund

    def slowly(**terms):
        created = real(**terms)
        move(sandbox, payment, "processed")
        sync(payment)
        return created

    with monkeypatch.context() as patch:
        patch.setattr(refund_submission.paystack_refunds, "create_refund", slowly)
        submit(refund)

    assert steps(refund) == ["approved", "submitting", "submitted", "processed"]
    assert standing(payment.user) == (15, 0, [25, -10])


def test_refusal_of_what_was_found_meanwhile_gives_nothing_back(sandbox, payment, monkeypatch):
    refund = request(payment)
    real = refund_submission.paystack_refunds.create_refund

    def slowly(**terms):
        # Somebody sends the same back on the dashboard, so that it passes for ours, and ours is refused.
        refund_on_dashboard(sandbox, payment)
        sync(payment)
        return real(**terms)

    with monkeypatch.context() as patch:
        patch.setattr(refund_submission.paystack_refunds, "create_refund", slowly)
        submit(refund)

    assert steps(refund) == ["approved", "submitting", "submitted"]
    assert (len(refunds_there(sandbox, payment)), standing(payment.user)) == (1, (0, 0, [25, -25]))


def test_submit_refund_waits_while_another_of_the_payment_is_in_doubt(sandbox, payment, refund):
    sandbox.script(operation="refund", reference=payment.reference, fault="reset_after_accept")
    other = request(payment, "5.00")
    submit(refund)
    before = timezone.now()

    submit(other)

    assert (refund.state, other.state, len(refunds_there(sandbox, payment))) == ("unknown", "approved", 1)
    assert timedelta(minutes=1) <= other.next_check_at - before < timedelta(minutes=2)
    sync(payment)
    submit(other)
    assert (states(payment), len(refunds_there(sandbox, payment))) == (["submitted", "submitted"], 2)


@pytest.mark.parametrize("state", [DisputeState.OPEN, DisputeState.REVIEW])
def test_submit_refund_waits_while_the_payment_is_disputed(state, sandbox, payment, refund):
    dispute = DisputeFactory(payment=payment)
    if state == DisputeState.REVIEW:
        move_row(dispute, state)

    submit(refund)

    assert (refund.state, refunds_there(sandbox, payment)) == ("approved", [])
    assert refund.next_check_at > timezone.now()
    move_row(dispute, DisputeState.WON)
    submit(refund)
    assert (refund.state, len(refunds_there(sandbox, payment))) == ("submitted", 1)


@pytest.mark.parametrize("state", ["awaiting_approval", "submitted", "processed"])
def test_submit_refund_that_is_not_approved_stays_as_it_is(state, sandbox):
    payment = buy(sandbox, amount_minor=24_750_000, credit_amount=Decimal("150.0000"))
    refund = request(payment, "120.00" if state == "awaiting_approval" else "10.00")
    if state != "awaiting_approval":
        submit(refund)
    if state == "processed":
        move(sandbox, payment, "processed")
        sync(payment)
    before = digest()

    result = refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    assert (result.pk, result.state) == (refund.pk, state)
    assert digest() == before


def test_late_refusal_of_what_nobody_knew_about_fails_it(sandbox, payment, refund, monkeypatch):
    sandbox.script(operation="refund", reference=payment.reference, fault="rejected")
    real = refund_submission.paystack_refunds.create_refund

    def slowly(**terms):
        sync(payment, now=timezone.now() + timedelta(minutes=2))
        assert states(payment) == ["unknown"]
        return real(**terms)

    with monkeypatch.context() as patch:
        patch.setattr(refund_submission.paystack_refunds, "create_refund", slowly)
        submit(refund)

    assert steps(refund) == ["approved", "submitting", "unknown", "failed"]
    assert standing(payment.user) == (25, 0, [25, -10, 10])


def test_submit_refund_of_an_approved_one_says_who_in_the_trail(payment):
    refund = request(payment, by=StaffFactory())

    submit(refund)

    assert [step["source"] for step in refund.state_transitions] == [CAUSE.source] * 3

"""Disputes beside refunds and beside other disputes of the same payment: what went back once is not taken twice."""

from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.models import Receivable
from payments.models import PaymentLog
from payments.services import invariants, refund_reports, refunds
from payments.services.refund_terms import PaymentDisputedError
from tests.factories import refunds as refunding
from tests.factories.disputes import open_dispute, resolve, sync
from tests.factories.payments import CAUSE
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.payments.services.disputing import (
    entries,
    make_paid,
    owed,
    refund_at_the_gateway,
    spend,
    submit,
    wallet,
)
from tests.unit.payments.services.purchases import read

pytestmark = pytest.mark.django_db(transaction=True)

# Each look at the gateway is written down, and nothing else of a repetition.
LOOKS = ("gateway_calls",)
PART_MINOR = 1_650_000


@pytest.fixture(autouse=True)
def _laws():
    """Whatever happens, holds, wallets and ledger agree at the end."""
    yield
    assert invariants.check_invariants() == []


@pytest.fixture
def payment(sandbox):
    """25 credits, paid and credited."""
    return make_paid(sandbox)


def test_sync_dispute_two_of_one_payment_hold_its_credits_once(sandbox, payment):
    make_paid(sandbox, user=payment.user)

    first, second = open_dispute(sandbox, payment), open_dispute(sandbox, payment)

    assert (first.hold.amount, second.hold) == (Decimal(25), None)
    assert wallet(payment.user) == (Decimal(50), Decimal(25))


def test_sync_dispute_two_of_one_payment_lost_take_its_credits_once(sandbox, payment):
    make_paid(sandbox, user=payment.user)
    first, second = open_dispute(sandbox, payment), open_dispute(sandbox, payment)

    resolve(sandbox, first, "merchant-accepted")
    ended = resolve(sandbox, second, "merchant-accepted")

    assert (ended.state, ended.ledger_entry) == ("lost", None)
    assert wallet(payment.user) == (Decimal(25), 0)
    assert owed() == []


def test_sync_dispute_two_about_parts_hold_and_take_their_own_part(sandbox, payment):
    first = open_dispute(sandbox, payment, refund_amount_minor=PART_MINOR)
    second = open_dispute(sandbox, payment)

    assert (first.hold.amount, second.hold.amount) == (Decimal(10), Decimal(15))
    resolve(sandbox, first, "merchant-accepted")
    resolve(sandbox, second, "merchant-accepted")

    assert wallet(payment.user) == (0, 0)
    assert owed() == []


def test_sync_dispute_raised_again_after_it_was_won_holds_again(sandbox, payment):
    resolve(sandbox, open_dispute(sandbox, payment), "declined")

    again = open_dispute(sandbox, payment)

    assert wallet(payment.user) == (Decimal(25), Decimal(25))
    assert resolve(sandbox, again, "auto-accepted").ledger_entry.amount == Decimal(-25)
    assert wallet(payment.user) == (0, 0)


def test_sync_dispute_second_is_owed_when_the_first_was_won_and_its_credits_were_spent(sandbox, payment):
    first, second = open_dispute(sandbox, payment), open_dispute(sandbox, payment)
    resolve(sandbox, first, "declined")
    spend(payment.user, 25)

    resolve(sandbox, second, "merchant-accepted")

    assert owed() == [("dispute_lost", Decimal(25))]


def test_sync_dispute_after_a_whole_refund_takes_nothing(sandbox, payment):
    refund_at_the_gateway(sandbox, payment, None)
    make_paid(sandbox, user=payment.user)

    dispute = open_dispute(sandbox, payment)
    assert (dispute.credit_amount, dispute.hold) == (Decimal(25), None)

    resolve(sandbox, dispute, "merchant-accepted")
    assert read(payment).state == "refunded"
    assert wallet(payment.user) == (Decimal(25), 0)
    assert owed() == []


def test_sync_dispute_after_a_refund_of_a_part_takes_the_rest(sandbox, payment):
    refund_at_the_gateway(sandbox, payment, PART_MINOR)

    dispute = open_dispute(sandbox, payment)
    assert dispute.hold.amount == Decimal(15)

    resolve(sandbox, dispute, "merchant-accepted")
    assert [amount for _, amount in entries(payment.user)] == [25, -10, -15]
    assert owed() == []


def test_sync_dispute_of_a_payment_whose_refund_failed_takes_what_came_back(sandbox, payment):
    refund = refund_at_the_gateway(sandbox, payment, None, status="processing")
    dispute = open_dispute(sandbox, payment)
    assert dispute.hold is None
    sandbox.move_refund(refund, "failed")
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())

    resolve(sandbox, dispute, "merchant-accepted")

    # The refund's end waited for that of the dispute, which takes what comes back.
    assert [amount for _, amount in entries(payment.user)] == [25, -25, 25, -25]
    assert (wallet(payment.user), owed()) == ((0, 0), [])


def test_refund_that_failed_while_a_dispute_was_open_gives_its_credits_back_once_that_is_won(sandbox, payment):
    refund = refund_at_the_gateway(sandbox, payment, None, status="processing")
    dispute = open_dispute(sandbox, payment)
    sandbox.move_refund(refund, "failed")
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())
    assert wallet(payment.user) == (0, 0)

    resolve(sandbox, dispute, "declined")
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())

    assert (wallet(payment.user), owed()) == ((25, 0), [])


def test_rejected_refund_pays_what_a_lost_dispute_left_owing(sandbox, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(1)
    waiting = refunding.request(payment)
    dispute = open_dispute(sandbox, payment)
    resolve(sandbox, dispute, "merchant-accepted")
    assert owed() == [("dispute_lost", Decimal(25))]

    refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="No.", cause=CAUSE, now=timezone.now())

    assert wallet(payment.user) == (0, 0)
    assert Receivable.objects.get().collected_amount == 25


def test_won_dispute_pays_what_a_dashboard_refund_left_owing(sandbox, payment):
    dispute = open_dispute(sandbox, payment)
    refund_at_the_gateway(sandbox, payment, None, status="processed")
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())
    assert (wallet(payment.user), owed()) == ((25, 25), [("refunded_elsewhere", Decimal(25))])

    resolve(sandbox, dispute, "declined")

    assert wallet(payment.user) == (0, 0)
    assert Receivable.objects.get().collected_amount == 25


def test_two_lost_disputes_pay_with_what_the_other_one_held(sandbox, payment):
    part = open_dispute(sandbox, payment, refund_amount_minor=PART_MINOR)
    whole = open_dispute(sandbox, payment)

    resolve(sandbox, whole, "merchant-accepted")
    resolve(sandbox, part, "merchant-accepted")

    assert wallet(payment.user) == (0, 0)


def test_what_went_back_by_a_refund_and_by_the_bank_asks_for_a_person(sandbox, payment):
    refund = submit(refunding.request(payment))
    dispute = open_dispute(sandbox, payment)
    resolve(sandbox, dispute, "merchant-accepted")
    sandbox.move_refund(refund.gateway_refund_id, "processed")

    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())

    payment.refresh_from_db()
    assert (payment.state, payment.review_reason) == ("refunded", "sent_back_twice")


def test_open_dispute_excludes_a_refund(sandbox, payment):
    open_dispute(sandbox, payment, refund_amount_minor=PART_MINOR)

    with pytest.raises(PaymentDisputedError):
        refunding.request(payment, "1.00")
    assert wallet(payment.user) == (Decimal(25), Decimal(10))


@pytest.mark.parametrize("resolution", ["merchant-accepted", "split-with-the-bank"])
def test_dispute_that_was_not_won_excludes_a_refund(sandbox, payment, resolution):
    resolve(sandbox, open_dispute(sandbox, payment), resolution, refund_amount_minor=PART_MINOR)

    with pytest.raises(PaymentDisputedError):
        refunding.request(payment, "1.00")


def test_dispute_that_was_won_excludes_no_refund(sandbox, payment):
    resolve(sandbox, open_dispute(sandbox, payment), "declined")

    assert refunding.request(payment).credit_amount == Decimal(25)


def test_open_dispute_stops_the_approval_of_a_refund_and_holds_nothing_twice(sandbox, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(1)
    make_paid(sandbox, user=payment.user)
    waiting = refunding.request(payment)

    dispute = open_dispute(sandbox, payment)

    assert dispute.hold is None
    assert wallet(payment.user) == (Decimal(50), Decimal(25))
    with pytest.raises(PaymentDisputedError):
        refunds.approve_refund(refund_id=waiting.pk, by=StaffFactory(), cause=CAUSE, now=timezone.now())
    assert wallet(payment.user) == (Decimal(50), Decimal(25))


def test_open_dispute_keeps_an_approved_refund_from_being_sent_until_it_is_won(sandbox, payment):
    """The refund was booked before the bank claimed the money: sent now, the same money would go back twice."""
    approved = refunding.request(payment)
    dispute = open_dispute(sandbox, payment)
    assert dispute.hold is None

    assert submit(approved).state == "approved"
    assert sandbox.ledger()["refunds"] == []

    resolve(sandbox, dispute, "declined")
    assert submit(approved).state == "submitted"
    assert len(sandbox.ledger()["refunds"]) == 1
    assert wallet(payment.user) == (0, 0)


def test_lost_dispute_ends_an_approved_refund_that_was_not_sent_and_takes_its_credits(sandbox, payment):
    approved = refunding.request(payment)

    resolve(sandbox, open_dispute(sandbox, payment), "auto-accepted")

    ended = submit(approved)
    assert (ended.state, ended.error_code) == ("failed", "dispute_lost")
    assert sandbox.ledger()["refunds"] == []
    assert [amount for _, amount in entries(payment.user)] == [25, -25, 25, -25]
    assert (owed(), wallet(payment.user)) == ([], (0, 0))


def test_lost_dispute_takes_what_it_held_and_what_an_unsent_refund_gives_back(sandbox, payment):
    refunding.request(payment, "10.00")
    dispute = open_dispute(sandbox, payment)
    assert wallet(payment.user) == (15, 15)

    resolve(sandbox, dispute, "merchant-accepted")

    assert [amount for _, amount in entries(payment.user)] == [25, -10, 10, -25]
    assert (owed(), wallet(payment.user)) == ([], (0, 0))


def test_refund_that_fails_after_a_lost_dispute_waits_for_a_person_and_gives_nothing_back(sandbox, payment):
    sent = submit(refunding.request(payment, "10.00"))
    dispute = open_dispute(sandbox, payment)
    resolve(sandbox, dispute, "merchant-accepted")

    for _ in range(2):
        sandbox.move_refund(sent.gateway_refund_id, "failed")
        refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())

    sent.refresh_from_db()
    assert (sent.state, sent.state_transitions[-1]["reason"]) == ("needs_attention", "failed_while_disputed")
    assert wallet(payment.user) == (0, 0)


def test_dispute_lost_while_a_refund_waited_is_owed_though_the_refund_is_rejected(sandbox, payment, settings):
    """What the refund held was freed by its rejection, and the money is gone all the same."""
    settings.REFUND_APPROVAL_USD = Decimal(1)
    waiting = refunding.request(payment)
    dispute = open_dispute(sandbox, payment)
    refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="Disputed", cause=CAUSE, now=timezone.now())

    resolve(sandbox, dispute, "auto-accepted")

    assert owed() == [("dispute_lost", Decimal(25))]


def test_refund_and_dispute_at_once_never_both_take_the_credits(sandbox, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(1)
    staff = StaffFactory()
    make_paid(sandbox, user=payment.user)
    opened = sandbox.open_dispute(payment.reference)["dispute"]

    actors.run_together([partial(sync, opened["id"]), partial(refunding.request, payment, by=staff)])

    assert wallet(payment.user) == (Decimal(50), Decimal(25))
    assert PaymentLog.objects.filter(disputes__isnull=False).get() == payment


def test_lost_dispute_takes_no_more_than_an_older_debt_left_of_what_came_back(sandbox, payment):
    spend(payment.user, 20)
    refunding.request(payment, "5.00")
    refund_at_the_gateway(sandbox, payment, 3_300_000, status="processed")
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())
    assert (wallet(payment.user), owed()) == ((0, 0), [("refunded_elsewhere", Decimal(20))])

    resolve(sandbox, open_dispute(sandbox, payment), "merchant-accepted")

    assert wallet(payment.user) == (0, 0)
    assert sum(amount for _, amount in owed()) == 25
    assert Receivable.objects.get(reason="refunded_elsewhere").collected_amount == 5

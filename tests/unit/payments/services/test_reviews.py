from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from billing.models import Transaction
from namaskah.errors import GatewayUnavailableError, PermissionDeniedError
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import PaymentState, RefundState, ReviewReason
from payments.models import Dispute, GatewayCall, ReviewDecision
from payments.services import refunds, reviews
from payments.services.crediting import ABOUT_THE_AMOUNT, CreditResult
from payments.services.refund_terms import PaymentDisputedError
from payments.services.reviews import NotCreditableError, NotUnderReviewError
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.people import AgentFactory
from tests.factories.refunds import request
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.payments.services.purchases import balance, credit, read, supersede
from tests.unit.payments.services.reviewing import (
    BY_HAND,
    PARTLY,
    WORTH_OF_PART,
    change_there,
    credit_by_hand,
    dismiss,
    entries,
    find_under_review,
    hear,
    hear_that_it_fits,
    pay_oddly,
    plant,
    resolver,
    review,
)

pytestmark = pytest.mark.django_db(transaction=True)

# Each look at the gateway is written down, and nothing else of a refusal.
LOOKS = ("gateway_calls",)
# How a purchase of 25 credits, 4,125,000 subunits, was paid, what is found, and what that is worth.
ODD = [
    ("amount_mismatch", {"asked_minor": 2_000_000}, 2_000_000, "12.1212"),
    ("amount_mismatch", {"asked_minor": 2_000_000, "bearer": "customer", "fees_minor": 30_000}, 2_030_000, "12.1212"),
    ("partial_debit", {"amount_minor": 2_000_000}, 2_000_000, "12.1212"),
    ("partial_debit", {"amount_minor": 4_124_999}, 4_124_999, "24.9999"),
    ("partial_debit", {"amount_minor": 17}, 17, "0.0001"),
    ("overpaid", {"amount_minor": 5_000_000, "fees_minor": 0}, 5_000_000, "30.3030"),
    ("overpaid", {"amount_minor": 5_000_000, "fees_minor": 75_000, "bearer": "customer"}, 5_075_000, "30.3030"),
]


@pytest.fixture
def payment(sandbox):
    """12.1212 of 25 credits were paid, and a person must look."""
    return review(sandbox)


@pytest.mark.parametrize(("reason", "odd", "charged_minor", "worth"), ODD)
def test_credit_after_review_credits_what_was_paid(reason, odd, charged_minor, worth, sandbox):
    payment = review(sandbox, **odd)
    assert (payment.review_reason, payment.credited) == (reason, False)

    credit_by_hand(payment)

    stored = read(payment)
    assert (stored.state, stored.credited_amount, stored.review_reason) == ("completed", Decimal(worth), "")
    assert (stored.amount_paid_minor, stored.credit_amount) == (charged_minor, 25)
    assert (entries(payment.user), balance(payment.user)) == ([("credit", Decimal(worth))], Decimal(worth))


def test_credit_after_review_writes_trail_ledger_and_decision(payment):
    by, now = resolver(), timezone.now()

    returned = reviews.credit_after_review(payment_id=payment.pk, note="n" * 301, by=by, cause=BY_HAND, now=now)

    stored = read(payment)
    assert (returned.lock_version, stored.next_check_at, stored.processing_completed_at) == (
        stored.lock_version,
        None,
        now,
    )
    assert stored.state_transitions[-1] == {
        "from": "processing",
        "to": "completed",
        "at": now.isoformat().replace("+00:00", "Z"),
        "by": "ada",
        "source": "admin",
        "reason": "credited_after_review",
        "event_id": None,
        "request_id": BY_HAND.request_id,
    }
    entry = Transaction.objects.get()
    assert (entry.payment_log_id, entry.reference, entry.idempotency_key) == (
        payment.pk,
        payment.reference,
        payment.pk,
    )
    assert (entry.counter_account, entry.request_id, entry.created_at) == ("gateway:paystack", BY_HAND.request_id, now)
    decision = ReviewDecision.objects.get()
    assert (decision.payment, decision.review_reason, decision.outcome) == (payment, "partial_debit", "credited")
    assert (decision.note, decision.decided_by, decision.created_at) == ("n" * 300, by, now)
    assert decision.request_id == BY_HAND.request_id


def test_credit_after_review_of_a_payment_that_failed_for_us(sandbox):
    payment = PaymentFactory(at=PaymentState.FAILED)
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0, **PARTLY)
    hear(payment)

    credit_by_hand(payment)

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.state_transitions[-1]["reason"]) == (
        "completed",
        "",
        "credited_after_review",
    )


def test_credit_after_review_of_evidence_that_fits_by_now_credits_what_was_asked_for(sandbox, payment):
    change_there(sandbox, payment, amount_minor=payment.amount_minor)

    credit_by_hand(payment)

    assert (read(payment).amount_paid_minor, balance(payment.user)) == (4_125_000, 25)


def test_credit_after_review_credits_what_the_gateway_says_now(sandbox, payment):
    change_there(sandbox, payment, amount_minor=3_000_000)

    credit_by_hand(payment)

    assert (read(payment).amount_paid_minor, balance(payment.user)) == (3_000_000, Decimal("18.1818"))


@pytest.mark.parametrize(
    ("charged", "requested", "fees", "worth"),
    [
        (100, None, 5, 100),
        (100, 100, 5, 100),
        (90, 100, 5, 90),
        (105, 100, 5, 100),
        (150, 100, 5, 145),
        (150, 100, None, 150),
        (150, 100, 0, 150),
        (150, 100, 120, 100),
        (None, None, None, 0),
    ],
)
def test_find_value_paid_leaves_out_fees_that_the_payer_may_have_borne(charged, requested, fees, worth):
    evidence = EvidenceFactory(amount_minor=charged, requested_amount_minor=requested, fees_minor=fees)

    assert reviews.find_value_paid(evidence) == worth


def test_credit_after_review_again_is_refused(payment):
    credit_by_hand(payment)
    by = resolver()
    before = take_snapshot(without=LOOKS)

    with pytest.raises(NotUnderReviewError, match="This payment is completed and not under review"):
        credit_by_hand(payment, by=by)
    with pytest.raises(NotUnderReviewError):
        dismiss(payment, by=by)

    assert take_snapshot(without=LOOKS) == before


def test_credit_after_review_then_late_news_changes_nothing(payment):
    credit_by_hand(payment)
    before = take_snapshot(without=LOOKS)

    became = [hear(payment), hear_that_it_fits(payment), hear(payment, status="reversed")]

    assert became == [CreditResult.ALREADY_SETTLED] * 3
    assert take_snapshot(without=LOOKS) == before


@pytest.mark.parametrize("end", [credit_by_hand, dismiss])
@pytest.mark.parametrize("permission", ["", "request_refund", "approve_refund", "request_adjustment"])
def test_review_is_not_ended_without_the_permission(end, permission, payment):
    person = AgentFactory(permission=permission)
    before = take_snapshot()

    with pytest.raises(PermissionDeniedError, match="You may not decide about payments under review"):
        end(payment, by=person)

    assert take_snapshot() == before


def test_review_is_ended_by_a_superuser_and_not_by_a_dismissed_one(payment):
    with pytest.raises(PermissionDeniedError):
        credit_by_hand(payment, by=StaffFactory(is_active=False))

    credit_by_hand(payment, by=StaffFactory())

    assert read(payment).state == "completed"


@pytest.mark.parametrize("end", [credit_by_hand, dismiss])
def test_review_that_there_is_not_cannot_be_ended(end, sandbox):
    payment = pay_oddly(sandbox, **PARTLY)

    with pytest.raises(NotUnderReviewError, match="This payment is processing and not under review"):
        end(payment)

    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize("end", [reviews.credit_after_review, reviews.dismiss_review])
def test_review_is_not_ended_without_saying_why(end, payment):
    by = resolver()
    before = take_snapshot(without=LOOKS)

    with pytest.raises(IntegrityError, match="payments_review_says_why"):
        end(payment_id=payment.pk, note="", by=by, cause=BY_HAND, now=timezone.now())

    assert take_snapshot(without=LOOKS) == before


def assert_not_creditable(payment, message, error=NotCreditableError):
    by = resolver()
    before = take_snapshot(without=LOOKS)

    with pytest.raises(error, match=message):
        credit_by_hand(payment, by=by)

    assert take_snapshot(without=LOOKS) == before


@pytest.mark.parametrize("reason", sorted(set(ReviewReason) - ABOUT_THE_AMOUNT))
def test_credit_after_review_for_another_reason_is_refused(reason, sandbox):
    payment = plant(pay_oddly(sandbox), review_reason=reason)

    assert_not_creditable(payment, f"under review for {reason}: only a payment whose amount is in doubt")


def test_credit_after_review_of_what_is_credited_is_refused(sandbox):
    paid = PaymentFactory(at=PaymentState.PROCESSING)
    sandbox.expect(paid)
    sandbox.pay(paid.reference, deliveries=0)
    hear(paid)
    plant(read(paid), review_reason="overpaid")

    assert_not_creditable(paid, "This payment is completed: it was credited before")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed"},
        {"status": "reversed"},
        {"status": "reversal-pending"},
        {"status": "pending"},
        {"domain": "live"},
        {"currency": "GHS"},
        {"amount_minor": 0},
        {"amount_minor": 16},
    ],
    ids=str,
)
def test_credit_after_review_of_what_the_gateway_no_longer_says_is_refused(changes, sandbox, payment):
    change_there(sandbox, payment, **changes)

    assert_not_creditable(payment, "does not say that anything worth a credit was paid")


def test_credit_after_review_of_another_transaction_is_refused(payment):
    plant(payment, gateway_transaction_id=payment.gateway_transaction_id + 1)

    assert_not_creditable(payment, "does not say that anything worth a credit was paid")


def test_credit_after_review_of_what_the_gateway_does_not_know_is_refused(sandbox):
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    credit(payment, amount_minor=100)

    assert_not_creditable(payment, "does not say that anything worth a credit was paid")


def test_credit_after_review_while_the_gateway_is_away_is_refused(payment, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    assert_not_creditable(payment, "Paystack", GatewayUnavailableError)
    assert GatewayCall.objects.latest("started_at").outcome == "unavailable"


@pytest.mark.parametrize("amount_usd", [None, "1.00"])
def test_credit_after_review_of_money_on_its_way_back_is_refused(amount_usd, payment):
    request(payment, amount_usd)

    assert_not_creditable(payment, "A refund sends this payment's money back")


def test_credit_after_review_of_money_that_a_waiting_refund_asks_for_is_refused_until_it_is_rejected(payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    waiting = request(payment)
    assert waiting.state == RefundState.AWAITING_APPROVAL
    assert_not_creditable(payment, "A refund sends this payment's money back")

    refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="No.", cause=CAUSE, now=timezone.now())
    credit_by_hand(payment)

    assert balance(payment.user) == WORTH_OF_PART


def test_credit_after_review_of_a_disputed_payment_is_refused_until_it_is_won(sandbox, payment):
    dispute = open_dispute(sandbox, payment)
    assert (read(payment).review_reason, dispute.credit_amount) == ("partial_debit", 0)
    assert_not_creditable(payment, "the dispute decides about the money", PaymentDisputedError)

    resolve(sandbox, dispute, "declined")
    assert Dispute.objects.get().state == "won"
    credit_by_hand(payment)

    assert balance(payment.user) == WORTH_OF_PART


def test_credit_after_review_of_a_lost_dispute_is_refused(sandbox, payment):
    resolve(sandbox, open_dispute(sandbox, payment), "merchant-accepted")

    assert_not_creditable(payment, "bank took this payment's money back", PaymentDisputedError)


@pytest.mark.parametrize("is_other_first", [True, False])
def test_credit_after_review_of_the_second_paid_attempt_asks_for_a_person_again(is_other_first, sandbox):
    first = pay_oddly(sandbox, **PARTLY)
    second = supersede(first)
    hear(first)
    if is_other_first:
        credit(second)

    credit_by_hand(first)

    if not is_other_first:
        credit(second)
    assert find_under_review(first) == ("paid_twice" if is_other_first else "")
    assert find_under_review(second) == ("" if is_other_first else "paid_twice")
    assert (read(first).state, balance(first.user)) == ("completed", 25 + WORTH_OF_PART)

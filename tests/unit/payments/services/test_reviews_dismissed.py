"""Reviews that a person dismissed: the same finding is not asked about again, and all else goes on as before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.lifecycles import PaymentState, ReviewReason
from payments.models import PaymentLog, ReviewDecision
from payments.services import janitor, reviews, webhooks
from payments.services.crediting import CreditResult
from payments.services.reviews import NotUnderReviewError
from tests.factories.payments import EvidenceFactory, PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, credit, read, supersede
from tests.unit.payments.services.reviewing import (
    BY_HAND,
    PARTLY,
    credit_by_hand,
    dismiss,
    entries,
    find_under_review,
    hear,
    hear_that_it_fits,
    pay_oddly,
    resolver,
    review,
)
from tests.unit.payments.services.told_events import OF_THE_INBOX, tell

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = 4_099_260_516
LOOKS = 8
# What the gateway says of a payment of 4,125,000 subunits, and what is found.
FINDINGS = {
    "amount_mismatch": {"amount_minor": 100, "requested_amount_minor": 100},
    "partial_debit": {"amount_minor": 100, "requested_amount_minor": 4_125_000},
    "overpaid": {"amount_minor": 5_000_000, "requested_amount_minor": 4_125_000},
    "currency_mismatch": {"currency": "GHS"},
    "wrong_domain": {"domain": "live"},
    "status_mismatch": {"status": "failed", "is_announced": True},
    "evidence_incomplete": {"amount_minor": None},
    "reversal_pending": {"status": "reversal-pending"},
    "transaction_reused": {"gateway_transaction_id": NUMBER + 1},
}


@pytest.fixture
def other():
    """A payment on which another transaction of the gateway stands."""
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    credit(payment, gateway_transaction_id=NUMBER + 1)
    return payment


def find(payment, reason, *, number=NUMBER):
    """Hear what makes a person look at the payment for `reason`; return what became of it."""
    return credit(payment, **{"gateway_transaction_id": number} | FINDINGS[reason]).result


def test_findings_are_all_but_those_of_credited_payments():
    assert set(FINDINGS) == set(ReviewReason) - {ReviewReason.PAID_TWICE, ReviewReason.SENT_BACK_TWICE}


@pytest.mark.parametrize("reason", FINDINGS)
def test_dismiss_review_ends_it_and_the_same_finding_does_not_put_it_back(reason, other):
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    assert (find(payment, reason), find_under_review(payment)) == (CreditResult.UNDER_REVIEW, reason)

    dismiss(payment)

    before = take_snapshot()
    assert find_under_review(payment) == ""
    assert [find(payment, reason) for _ in range(2)] == [CreditResult.OPEN] * 2
    assert take_snapshot() == before
    assert (entries(payment.user), ReviewDecision.objects.get().review_reason) == ([], reason)


@pytest.mark.parametrize("dismissed", FINDINGS)
def test_dismiss_review_another_finding_asks_for_a_person_again(dismissed, other):
    for number, reason in enumerate(FINDINGS.keys() - {dismissed}, start=NUMBER + 2):
        payment = PaymentFactory(at=PaymentState.PROCESSING)
        find(payment, dismissed, number=number)
        dismiss(payment)

        assert find(payment, reason, number=number) is CreditResult.UNDER_REVIEW
        assert find_under_review(payment) == reason


@pytest.mark.parametrize("reason", ["amount_mismatch", "partial_debit", "overpaid"])
@pytest.mark.parametrize("change", ["amount", "transaction"])
def test_dismiss_review_the_same_reason_for_other_money_is_another_finding(reason, change):
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    find(payment, reason)
    dismiss(payment)
    said = {"gateway_transaction_id": NUMBER} | FINDINGS[reason]
    more = {key: value + 1 for key, value in said.items() if (key == "gateway_transaction_id") == (change != "amount")}
    if reason != "amount_mismatch" and change == "amount":
        more["requested_amount_minor"] = payment.amount_minor

    outcome = credit(payment, **said | more)

    assert outcome.result is CreditResult.UNDER_REVIEW
    assert find_under_review(payment) == reason
    assert outcome.payment.amount_paid_minor == (said | more)["amount_minor"]


@pytest.mark.parametrize("reason", FINDINGS)
def test_dismiss_review_evidence_that_fits_credits_all_the_same(reason, other):
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    find(payment, reason)
    dismiss(payment)

    outcome = credit(payment, gateway_transaction_id=NUMBER)

    assert (outcome.result, balance(payment.user)) == (CreditResult.CREDITED, 25)


def test_dismiss_review_writes_who_and_why(sandbox):
    payment, by, now = review(sandbox), resolver(), timezone.now()

    returned = reviews.dismiss_review(payment_id=payment.pk, note="n" * 301, by=by, cause=BY_HAND, now=now)

    decision = ReviewDecision.objects.get()
    assert (decision.payment, decision.review_reason, decision.outcome) == (payment, "partial_debit", "dismissed")
    assert (decision.note, decision.decided_by, decision.created_at) == ("n" * 300, by, now)
    assert decision.request_id == BY_HAND.request_id
    stored = read(payment)
    assert (returned.review_reason, stored.review_reason, stored.updated_at) == ("", "", now)
    assert (stored.state, stored.state_transitions) == ("processing", payment.state_transitions)
    assert (stored.credited, stored.amount_paid_minor) == (False, 2_000_000)


def test_dismiss_review_again_is_refused(sandbox):
    payment = review(sandbox)
    dismiss(payment)

    for end in (dismiss, credit_by_hand):
        with pytest.raises(NotUnderReviewError, match="This payment is processing and not under review"):
            end(payment)

    assert ReviewDecision.objects.count() == 1


def test_dismiss_review_asks_no_gateway(sandbox):
    payment, by = review(sandbox), resolver()
    before = take_snapshot()["gateway_calls"]

    dismiss(payment, by=by)

    assert take_snapshot()["gateway_calls"] == before


def test_dismiss_review_the_event_processed_again_changes_nothing(sandbox):
    payment = pay_oddly(sandbox, **PARTLY)
    event = tell(sandbox, payment.reference, "charge.success")
    webhooks.drain_inbox()
    assert find_under_review(payment) == "partial_debit"
    dismiss(payment)
    before = take_snapshot(without=OF_THE_INBOX)

    webhooks.process_webhook(event, now=timezone.now())

    assert take_snapshot(without=OF_THE_INBOX) == before
    event.refresh_from_db()
    assert (event.status, event.payment_id) == ("processed", payment.pk)


def test_dismiss_review_of_an_open_payment_lets_the_janitor_look_at_once(sandbox):
    payment = review(sandbox)
    assert payment.next_check_at is None

    dismiss(payment)

    assert janitor.check_payments() == 1
    stored = read(payment)
    assert (stored.checks, stored.review_reason, stored.state) == (1, "", "processing")
    assert stored.next_check_at > timezone.now()


def test_dismiss_review_the_janitor_goes_on_to_the_end(sandbox):
    payment = review(sandbox)
    dismiss(payment)

    for day in range(LOOKS):
        janitor.check_payment(payment_id=payment.pk, now=payment.created_at + timedelta(days=day))

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.review_reason) == ("failed", "expired", "")
    assert (stored.next_check_at, stored.checks, entries(payment.user)) == (None, LOOKS, [])
    # It is still open to a late success, and the same finding is still dismissed.
    assert hear(payment) is CreditResult.OPEN
    assert hear_that_it_fits(payment) is CreditResult.CREDITED


def test_dismiss_review_after_the_last_look_lets_the_janitor_end_it(sandbox):
    payment = review(sandbox)
    for day in range(LOOKS):
        janitor.check_payment(payment_id=payment.pk, now=payment.created_at + timedelta(days=day))
    assert (read(payment).state, read(payment).next_check_at) == ("processing", None)

    dismiss(payment)
    janitor.check_payments()

    assert (read(payment).state, read(payment).error_code, read(payment).next_check_at) == ("failed", "expired", None)


def test_dismiss_review_of_a_failed_payment_asks_for_no_look():
    payment = PaymentFactory(at=PaymentState.FAILED)
    find(payment, "partial_debit")

    dismiss(payment)

    assert (read(payment).state, read(payment).next_check_at) == ("failed", None)


def test_dismiss_review_of_a_purchase_paid_twice_leaves_both_credited():
    first = PaymentFactory()
    second = supersede(first)
    credit(second)
    evidence = EvidenceFactory(of=first)
    credit(first, gateway_transaction_id=evidence.gateway_transaction_id)
    assert find_under_review(first) == "paid_twice"

    dismiss(first)

    assert credit(first, is_announced=True).result is CreditResult.ALREADY_SETTLED
    assert (
        list(PaymentLog.objects.values_list("review_reason", "state", "next_check_at")) == [("", "completed", None)] * 2
    )
    assert (balance(first.user), ReviewDecision.objects.get().review_reason) == (50, "paid_twice")


def test_dismiss_review_and_then_credit_what_another_finding_asks_about(sandbox):
    payment = review(sandbox)
    dismiss(payment)
    hear(payment, amount_minor=5_000_000, fees_minor=0)
    assert find_under_review(payment) == "overpaid"

    credit_by_hand(payment)

    # The gateway still says what it said at first.
    assert entries(payment.user) == [("credit", read(payment).credited_amount)]
    assert list(ReviewDecision.objects.order_by("pk").values_list("review_reason", "outcome")) == [
        ("partial_debit", "dismissed"),
        ("overpaid", "credited"),
    ]


def test_dismiss_review_while_good_news_comes_lets_it_credit(sandbox):
    payment, by = review(sandbox), resolver()
    pause = actors.Pause('UPDATE "payment_logs"')
    deciding = actors.start(pause.of(lambda: dismiss(payment, by=by)))
    pause.wait_until_reached()
    hearing = actors.start(lambda: hear_that_it_fits(payment))
    actors.wait_until_blocked()

    pause.go_on()

    assert deciding.result(actors.PATIENCE_SECONDS).review_reason == ""
    assert hearing.result(actors.PATIENCE_SECONDS) is CreditResult.CREDITED
    assert entries(payment.user) == [("credit", 25)]

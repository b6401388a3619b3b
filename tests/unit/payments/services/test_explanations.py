from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from payments.lifecycles import EventStatus, RefundState, ReviewReason
from payments.models import Dispute, PaymentLog, Refund
from payments.services import explanations, janitor, refund_submission, webhooks
from payments.services.crediting import ABOUT_THE_AMOUNT
from payments.services.explanations import explain_payment
from payments.services.moments import tell_time
from tests.factories.payments import CAUSE, PaymentFactory, WebhookEventFactory
from tests.factories.workers import hear_worker
from tests.unit.payments.services import told_events
from tests.unit.payments.services.explaining import conclude, request_refund
from tests.unit.payments.services.reviewing import review
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)

ENDED = {RefundState.PROCESSED, RefundState.FAILED, RefundState.REJECTED}


@pytest.fixture(autouse=True)
def _worker_lives(db):
    hear_worker()


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def paid(payment, sandbox):
    """The payment, paid and credited by its event."""
    told_events.pay(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def test_conclusion_of_a_payment_that_nobody_has_paid(payment):
    PaymentLog.objects.filter(pk=payment.pk).update(
        next_check_at="2026-11-21T10:00Z", lock_version=payment.lock_version + 1
    )

    assert conclude(payment) == (
        "Nobody has paid yet, as far as we know. Paystack is asked again at 2026-11-21 11:00 WAT, "
        "and at once if you have it verified."
    )
    assert explain_payment(payment).commands == [f"verify_payment {payment.reference}"]


def test_conclusion_of_a_payment_that_is_not_asked_about_again():
    assert conclude(PaymentFactory()) == (
        "Nobody has paid yet, as far as we know. Paystack is asked again only if you have it verified."
    )


def test_conclusion_of_a_payment_whose_event_waits(payment, sandbox):
    told_events.pay(sandbox, payment)

    assert conclude(payment) == (
        "An event of it waits to be processed. Paystack reported 41,250.00 NGN; not processed yet. "
        "A worker takes it within seconds, or tries it again by itself."
    )


def test_conclusion_of_a_payment_whose_event_waits_says_when_no_worker_lives(payment, sandbox):
    told_events.pay(sandbox, payment)
    hear_worker(ago=timedelta(minutes=27))

    assert conclude(payment) == (
        "An event of it waits to be processed. Paystack reported 41,250.00 NGN; not processed yet. "
        "No worker was heard for 27 minutes, so nothing goes on by itself: tell an operator, who starts one."
    )


def test_conclusion_of_a_failed_payment_minds_an_event_that_waits(payment, sandbox):
    told_events.decline(sandbox, payment)
    webhooks.drain_inbox()
    told_events.pay(sandbox, payment)

    assert conclude(payment).startswith("An event of it waits to be processed. Paystack reported 41,250.00 NGN;")


def test_conclusion_of_a_payment_whose_event_is_dead(payment, sandbox):
    event = bury(told_events.pay(sandbox, payment))

    assert conclude(payment) == (
        f"Its event {event.pk} is a dead letter: find out why, then replay it. "
        "Paystack reported 41,250.00 NGN; not processed yet."
    )
    assert explain_payment(payment).event_id == event.pk
    assert explain_payment(payment).commands == [f"replay_webhooks {event.pk} --reason … --by …"]


def test_conclusion_of_a_payment_whose_event_is_in_quarantine(payment):
    event = WebhookEventFactory(
        reference=payment.reference, status=EventStatus.QUARANTINED, error_class="wrong_domain", next_attempt_at=None
    )

    assert conclude(payment) == (
        f"Its event {event.pk} is in quarantine (wrong_domain): find out why, then replay it, or have an operator "
        "dismiss it."
    )
    assert explain_payment(payment).commands == [
        f"replay_webhooks {event.pk} --reason … --by …",
        f"replay_webhooks {event.pk} --dismiss --reason … --by …",
    ]


def test_conclusion_of_a_credited_payment(paid):
    assert conclude(paid) == "It was paid and 25.00 credits were given, once. Nothing is to be done."


def test_conclusion_of_a_credited_payment_does_not_mind_a_dead_letter_of_its_charge(paid):
    bury(WebhookEventFactory(reference=paid.reference))

    assert conclude(paid).endswith("Nothing is to be done.")


@pytest.mark.parametrize("event_type", ["refund.processed", "charge.dispute.create"])
def test_conclusion_of_a_credited_payment_minds_a_dead_letter_about_money_that_goes_back(paid, event_type):
    event = bury(WebhookEventFactory(reference=paid.reference, event_type=event_type))

    assert conclude(paid).startswith(f"Its event {event.pk} is a dead letter")


def test_conclusion_of_a_failed_payment(payment, sandbox):
    told_events.decline(sandbox, payment)
    webhooks.drain_inbox()

    assert conclude(payment) == (
        "It failed: Transaction declined. Please use the test card since you are doing a test transaction. "
        "Should it be paid after all, it is credited then. The customer may buy anew."
    )


def test_conclusion_of_a_payment_that_paystack_never_heard_of(sandbox):
    payment = PaymentFactory()
    janitor.check_payment(payment_id=payment.pk, now=timezone.now())

    assert conclude(payment).startswith("It failed: Paystack never heard of it. Should it be paid")


def test_conclusion_of_a_payment_that_nobody_paid_in_time(payment):
    for _ in range(8):
        janitor.check_payment(payment_id=payment.pk, now=timezone.now() + timedelta(days=4))

    assert conclude(payment).startswith("It failed: nobody paid in time. Should it be paid")


@pytest.mark.parametrize("reason", list(ReviewReason))
def test_conclusion_of_every_review(payment, reason):
    payment.review_reason = reason

    story = explain_payment(payment)

    # Nothing arrived as far as the row says, so there is nothing to refund.
    is_about_the_amount = reason in ABOUT_THE_AMOUNT
    credit = "credit what was really paid or " if is_about_the_amount else ""
    assert story.conclusion == (
        f"A person must decide about it, because {explanations.REVIEWS[reason]}: "
        f"Finance may {credit}dismiss the review."
    )
    options = ["--credit", "--dismiss"] if is_about_the_amount else ["--dismiss"]
    assert story.commands == [f"resolve_review {payment.reference} {option} --note … --by …" for option in options]


def test_conclusion_of_a_review_names_every_way_out(sandbox):
    payment = review(sandbox)

    assert conclude(payment) == (
        "A person must decide about it, because less was paid than was asked for: "
        "Finance may credit what was really paid, refund it or dismiss the review."
    )


def test_every_review_reason_has_its_words():
    assert set(explanations.REVIEWS) == set(ReviewReason)


def test_conclusion_of_a_payment_with_a_dispute(payment, sandbox):
    told_events.dispute(sandbox, payment)
    webhooks.drain_inbox()
    due = Dispute.objects.get().due_at

    assert conclude(payment) == (
        f"The payer's bank disputes it: answer at Paystack by {tell_time(due)}; "
        "the credits are held until it is decided."
    )


def test_conclusion_of_a_payment_whose_dispute_ended_oddly(payment, sandbox):
    told_events.dispute(sandbox, payment)
    webhooks.drain_inbox()
    dispute = Dispute.objects.get()
    dispute.resolution = "withdrawn"
    dispute.ask_for_review(cause=CAUSE, now=timezone.now())
    Dispute.write([dispute], now=timezone.now())

    assert conclude(payment) == ("A person must decide about its dispute: Paystack calls it resolved, 'withdrawn'.")


def test_conclusion_of_a_payment_whose_dispute_was_lost(payment, sandbox):
    told_events.lose_dispute(sandbox, payment)
    webhooks.drain_inbox()

    assert conclude(payment) == (
        "It was paid and 25.00 credits were given, once. The payer's bank took the money back, and the credits went "
        "with it as far as they were there. Nothing is to be done."
    )


def test_conclusion_of_a_payment_whose_refund_is_on_its_way(paid):
    refund = request_refund(paid)
    assert conclude(paid) == (
        f"Its refund {refund.reference} is approved. It is sent next: a worker gives it to Paystack within seconds."
    )

    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
    assert conclude(paid) == f"Its refund {refund.reference} is on its way; Paystack says when it is done."


def test_conclusion_of_a_payment_whose_refund_waits_for_approval(paid, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    refund = request_refund(paid)

    assert conclude(paid) == f"Its refund {refund.reference} waits for another person's approval."
    assert explain_payment(paid).commands == [
        f"refund_payment {refund.reference} --approve --by …",
        f"refund_payment {refund.reference} --reject --reason … --by …",
    ]


def test_conclusion_of_a_payment_whose_refund_may_be_sent_or_not(paid, sandbox):
    sandbox.script(operation="refund", fault="reset_after_accept")
    refund = request_refund(paid)
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    assert conclude(paid).startswith(
        f"Its refund {refund.reference} may be at Paystack or not. It was sent and no usable answer came. Paystack's "
        "list of refunds is searched for it, three times; it is never sent again."
    )


def test_conclusion_names_the_refund_that_needs_a_person_before_one_that_does_not(payment, sandbox):
    told_events.refund(sandbox, payment, status="needs-attention")
    webhooks.drain_inbox()
    odd = Refund.objects.get()
    request_refund(payment, "5")

    assert conclude(payment) == f"Its refund {odd.reference} needs attention: look at it on Paystack's dashboard."


def test_conclusion_of_a_payment_a_part_of_which_went_back(payment, sandbox):
    told_events.refund(sandbox, payment)
    webhooks.drain_inbox()

    assert conclude(payment) == (
        "It was paid and 25.00 credits were given, once. 16,500.00 NGN of it went back. Nothing is to be done."
    )


def test_conclusion_of_a_payment_that_went_back_whole(payment, sandbox):
    sandbox.pay(payment.reference)
    made, _ = sandbox.request_refund(payment.reference, amount_minor=None, currency=None)
    sandbox.move_refund(made.id, "processed")
    told_events.tell(sandbox, payment.reference, "refund.processed")
    webhooks.drain_inbox()

    assert conclude(payment) == "All of its money went back. Nothing is to be done."


def test_every_refund_that_has_not_ended_has_its_words():
    assert set(explanations._REFUNDS) == set(RefundState) - ENDED

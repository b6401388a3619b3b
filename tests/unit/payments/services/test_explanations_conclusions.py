"""What is to be done about a payment, as its explanation ends."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from payments.lifecycles import EventStatus, RefundState, ReviewReason
from payments.models import Dispute, PaymentLog, Refund
from payments.services import explanations, janitor, refund_submission, webhooks
from payments.services.explanations import explain_payment
from tests.factories.payments import CAUSE, PaymentFactory, WebhookEventFactory
from tests.factories.refunds import request
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)

ENDED = {RefundState.PROCESSED, RefundState.FAILED, RefundState.REJECTED}


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def paid(payment, sandbox):
    """The payment, paid and credited by its event."""
    told_events.pay(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def conclude(payment):
    return explain_payment(PaymentLog.objects.get(pk=payment.pk)).conclusion


def test_conclusion_of_a_payment_that_nobody_has_paid(payment):
    PaymentLog.objects.filter(pk=payment.pk).update(
        next_check_at="2026-11-21T10:00Z", lock_version=payment.lock_version + 1
    )

    assert conclude(payment) == (
        "Nobody has paid yet, as far as we know. Paystack is asked again at 2026-11-21 10:00 UTC; "
        "`verify_payment` asks now."
    )


def test_conclusion_of_a_payment_whose_event_waits(payment, sandbox):
    told_events.pay(sandbox, payment)

    assert conclude(payment) == "An event of it waits to be processed: if it stays so, look at the worker."


def test_conclusion_of_a_payment_whose_event_is_dead(payment, sandbox):
    event = bury(told_events.pay(sandbox, payment))

    assert conclude(payment) == (
        f"Its event {event.pk} is a dead letter: find out why, then `replay_webhooks {event.pk} --reason … --by …`."
    )


def test_conclusion_of_a_payment_whose_event_is_in_quarantine(payment):
    event = WebhookEventFactory(
        reference=payment.reference, status=EventStatus.QUARANTINED, error_class="wrong_domain", next_attempt_at=None
    )

    assert conclude(payment) == (
        f"Its event {event.pk} is in quarantine (wrong_domain): find out why, then replay or `--dismiss` it."
    )


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

    conclusion = explain_payment(payment).conclusion

    assert conclusion.startswith("A person must decide about it, because ")
    assert conclusion.endswith(": `resolve_review`, or `refund_payment`.")


def test_conclusion_of_a_payment_with_a_dispute(payment, sandbox):
    told_events.dispute(sandbox, payment)
    webhooks.drain_inbox()
    due = Dispute.objects.get().due_at

    assert conclude(payment) == (
        f"The payer's bank disputes it: answer at Paystack by {due:%Y-%m-%d %H:%M} UTC; "
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
    refund = request(paid, "10")
    assert conclude(paid) == f"Its refund {refund.reference} is about to be sent to Paystack."

    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
    assert conclude(paid) == f"Its refund {refund.reference} is on its way; Paystack says when it is done."


def test_conclusion_of_a_payment_whose_refund_waits_for_approval(paid, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    refund = request(paid, "10")

    assert conclude(paid) == (
        f"Its refund {refund.reference} waits for another person's approval: `refund_payment rfd-… --approve`."
    )


def test_conclusion_of_a_payment_whose_refund_may_be_sent_or_not(paid, sandbox):
    sandbox.script(operation="refund", fault="reset_after_accept")
    refund = request(paid, "10")
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    assert conclude(paid) == (
        f"Its refund {refund.reference} may be at Paystack or not: it is being looked for, and is never sent again."
    )


def test_conclusion_names_the_refund_that_needs_a_person_before_one_that_does_not(payment, sandbox):
    told_events.refund(sandbox, payment, status="needs-attention")
    webhooks.drain_inbox()
    odd = Refund.objects.get()
    request(payment, "5")

    assert conclude(payment) == f"Its refund {odd.reference} needs attention: look at it on Paystack's dashboard."


def test_conclusion_of_a_payment_a_part_of_which_went_back(payment, sandbox):
    told_events.refund(sandbox, payment)
    webhooks.drain_inbox()

    assert conclude(payment) == (
        "It was paid and 25.00 credits were given, once. 16500.00 NGN of it went back. Nothing is to be done."
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

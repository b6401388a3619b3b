from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Receivable
from payments.lifecycles import EventStatus, RefundState, ReviewReason
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, ReviewDecision, WebhookEvent
from payments.services import explanations, janitor, refund_submission, refunds, replays, webhooks
from payments.services.explanations import explain_payment
from payments.services.refunds import RefundRequest
from tests.factories.billing import post
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.refunds import ReceivableFactory, ReconciliationBreakFactory
from tests.factories.users import StaffFactory
from tests.unit.billing.models.raw_sql import execute
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


def later():
    return timezone.now() + timedelta(hours=1)


def request_refund(payment, amount="10"):
    request = RefundRequest(
        payment_id=payment.pk, amount_usd=Decimal(amount), reason="Asked for", idempotency_key=uuid4()
    )
    return refunds.request_refund(request=request, by=StaffFactory(), cause=CAUSE, now=timezone.now())


def test_story_of_a_purchase_in_order(paid):
    event = WebhookEvent.objects.get()
    replays.replay_event(event_id=event.pk, by=StaffFactory(username="ada"), reason="to be sure")

    story = explain_payment(PaymentLog.objects.get(pk=paid.pk))

    assert [moment.at for moment in story.moments] == sorted(moment.at for moment in story.moments)
    assert sorted((moment.what, moment.told) for moment in story.moments) == [
        ("ledger", "credit 25.00, balance 25.00"),
        ("payment", "pending (initialized, command)"),
        ("payment", "pending -> processing (checkout_opened, command)"),
        ("payment", "processing -> completed (paid, webhook)"),
        ("webhook", "charge.success processed"),
        ("webhook", "charge.success received"),
        ("webhook", "replay by ada processed, because: to be sure"),
    ]


def test_story_tells_calls_failures_and_repeated_deliveries(payment, sandbox, settings):
    sandbox.script(operation="verify", fault="rejected", code="insufficient", message="No", times=None)
    event = WebhookEventFactory(event_type="charge.failed", reference=payment.reference, deliveries=3)
    webhooks.drain_inbox()

    told = {(moment.what, moment.told) for moment in explain_payment(payment).moments}

    assert ("webhook", "charge.failed received, delivered 3 times") in told
    assert ("webhook", "worker retrying: GatewayUnavailableError Paystack would not look the payment up.") in told
    assert WebhookEvent.objects.get(pk=event.pk).status == "retrying"


def test_story_tells_refunds_and_disputes(payment, sandbox):
    told_events.refund(sandbox, payment)
    sandbox.open_dispute(payment.reference)
    told_events.tell(sandbox, payment.reference, "charge.dispute.create")
    webhooks.drain_inbox()
    refund, dispute = Refund.objects.get(), Dispute.objects.get()

    told = [moment.told for moment in explain_payment(payment).moments if moment.what in {"refund", "dispute"}]

    assert told == [
        f"{refund.reference} of 16500.00 NGN: submitted (made_elsewhere, webhook), because: {refund.reason}",
        f"{refund.reference} of 16500.00 NGN: submitted -> processed (processed, webhook)",
        f"{dispute.gateway_dispute_id}: open (opened, webhook)",
    ]


@pytest.mark.parametrize("decide", ["approve", "reject"])
def test_story_tells_who_asked_for_a_refund_and_who_decided_and_their_reasons(decide, paid, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    refund = request_refund(paid)
    decided = {"refund_id": refund.pk, "by": StaffFactory(), "cause": replace(CAUSE, by="ada"), "now": timezone.now()}
    if decide == "approve":
        refunds.approve_refund(**decided)
    else:
        refunds.reject_refund(reason="Seen the bank's letter.", **decided)
    with transaction.atomic():
        # Past the rule that a decision's words are written with it.
        execute("SET LOCAL session_replication_role = replica")
        Refund.objects.update(decision_comment="Seen the bank's letter.")

    first, second = (moment.told for moment in explain_payment(paid).moments if moment.what == "refund")

    subject = f"{refund.reference} of 16500.00 NGN: "
    assert first == f"{subject}awaiting_approval (requested, command), because: Asked for"
    done = {"approve": "approved (approved", "reject": "rejected (rejected"}[decide]
    assert second == f"{subject}awaiting_approval -> {done}, command by ada), because: Seen the bank's letter."


def test_story_tells_why_a_refund_failed(paid, sandbox):
    sandbox.script(operation="refund", fault="rejected", code="insufficient_balance", message="Balance too low")
    refund = request_refund(paid)
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    *_, last = (moment.told for moment in explain_payment(paid).moments if moment.what == "refund")

    assert last.startswith(f"{refund.reference} of 16500.00 NGN: submitting -> failed (")
    assert last.endswith("because: Balance too low")


@pytest.mark.parametrize(
    ("status", "error_class", "told"),
    [
        (EventStatus.QUARANTINED, "wrong_domain", "charge.success received, is quarantined: wrong_domain"),
        (EventStatus.IGNORED, "unknown_type", "charge.success received, is ignored: unknown_type"),
        (EventStatus.DISMISSED, "", "charge.success received, is dismissed"),
        (EventStatus.RECEIVED, "", "charge.success received"),
    ],
)
def test_story_tells_what_became_of_an_event_that_had_no_effect(status, error_class, told, payment):
    is_due = {"next_attempt_at": timezone.now()} if status == EventStatus.RECEIVED else {"next_attempt_at": None}
    WebhookEventFactory(reference=payment.reference, status=status, error_class=error_class, **is_due)

    assert [moment.told for moment in explain_payment(payment).moments if moment.what == "webhook"] == [told]


def test_story_and_conclusion_tell_what_the_user_owes_and_for_what(paid, sandbox):
    post(paid.user, type="debit", amount=Decimal(-20), counter_account="revenue:sms", service="sms")
    resolve(sandbox, open_dispute(sandbox, paid), "merchant-accepted")
    owed = Receivable.objects.get()

    story = explain_payment(PaymentLog.objects.get(pk=paid.pk))

    told = f"20.00 credits for {owed.reference} (dispute_lost)"
    assert [moment.told for moment in story.moments if moment.what == "owed"] == [told]
    assert story.conclusion.endswith("The user owes 20.00 credits. Nothing is to be done.")


def test_story_tells_that_a_debt_was_cancelled(paid):
    owed = ReceivableFactory(payment_log=paid, amount=Decimal(4), cancelled_at=later())

    story = explain_payment(paid)

    assert [moment.told for moment in story.moments if moment.what == "owed"] == [
        f"4.00 credits for {owed.reference} (dispute_lost)",
        f"4.00 credits for {owed.reference} no longer",
    ]
    assert "owes" not in story.conclusion


def test_story_and_conclusion_tell_of_a_break_until_it_is_closed(paid):
    found = ReconciliationBreakFactory(kind="state", subject=paid.reference, payment=paid, theirs="reversed 1 NGN")

    story = explain_payment(paid)

    told = f"state of {paid.reference}: completed here, reversed 1 NGN at Paystack"
    assert [moment.told for moment in story.moments if moment.what == "break"] == [told]
    assert story.conclusion == (
        f"Paystack's books and ours differ about {paid.reference}: completed here, reversed 1 NGN there. "
        f"`reconcile_payments --fix` repairs what Paystack's word can; else settle it, then `--dismiss {found.pk}`."
    )

    ReconciliationBreak.objects.update(state="gone", closed_at=later())
    story = explain_payment(PaymentLog.objects.get(pk=paid.pk))

    assert [moment.told for moment in story.moments if moment.what == "break"] == [
        told,
        f"state of {paid.reference} gone",
    ]
    assert story.conclusion.endswith("Nothing is to be done.")


def test_story_tells_who_dismissed_a_break_and_why(paid):
    ReconciliationBreakFactory(
        payment=paid,
        subject=paid.reference,
        state="dismissed",
        closed_at=later(),
        dismissed_by=StaffFactory(username="ada"),
        dismissal_note="Another product's.",
    )

    *_, last = (moment.told for moment in explain_payment(paid).moments if moment.what == "break")

    assert last == f"missing_there of {paid.reference} dismissed by ada, because: Another product's."


def test_story_tells_who_decided_about_a_review(payment):
    ReviewDecision.objects.create(
        payment=payment,
        review_reason=ReviewReason.OVERPAID,
        outcome="dismissed",
        note="The rest was sent back by bank.",
        decided_by=StaffFactory(username="ada"),
        created_at=timezone.now(),
    )

    assert [moment.told for moment in explain_payment(payment).moments if moment.what == "review"] == [
        "overpaid dismissed by ada: The rest was sent back by bank."
    ]


def test_story_reads_no_bodies_and_asks_as_often_for_three_events_as_for_one(paid):
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            explain_payment(PaymentLog.objects.get(pk=paid.pk))
        asked.append(len(captured))
        for event in WebhookEventFactory.create_batch(2, reference=paid.reference):
            WebhookAttemptFactory(event=event, by=StaffFactory())

    assert asked[0] == asked[1]
    assert not any('"body"' in query["sql"] for query in captured.captured_queries)


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
    refund = request_refund(paid)
    assert conclude(paid) == f"Its refund {refund.reference} is about to be sent to Paystack."

    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
    assert conclude(paid) == f"Its refund {refund.reference} is on its way; Paystack says when it is done."


def test_conclusion_of_a_payment_whose_refund_waits_for_approval(paid, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    refund = request_refund(paid)

    assert conclude(paid) == (
        f"Its refund {refund.reference} waits for another person's approval: `refund_payment rfd-… --approve`."
    )


def test_conclusion_of_a_payment_whose_refund_may_be_sent_or_not(paid, sandbox):
    sandbox.script(operation="refund", fault="reset_after_accept")
    refund = request_refund(paid)
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    assert conclude(paid) == (
        f"Its refund {refund.reference} may be at Paystack or not: it is being looked for, and is never sent again."
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

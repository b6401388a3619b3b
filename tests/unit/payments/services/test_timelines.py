"""The story of a payment, moment by moment."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Receivable
from namaskah.audit.looks import record_look
from namaskah.audit.models import Outcome
from namaskah.audit.notes import add_note
from namaskah.audit.records import record_action
from payments.lifecycles import EventStatus, ReviewReason
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, ReviewDecision, WebhookEvent
from payments.services import refund_submission, refunds, replays, webhooks
from payments.services.explanations import explain_payment
from payments.services.timelines import VIEW_ACTION
from tests.factories.billing import post
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.refunds import ReceivableFactory, ReconciliationBreakFactory
from tests.factories.users import StaffFactory
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services import told_events
from tests.unit.payments.services.explaining import later, request_refund
from tests.unit.payments.services.told_events import buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def paid(payment, sandbox):
    """The payment, paid and credited by its event."""
    told_events.pay(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def test_story_of_a_purchase_in_order(paid):
    event = WebhookEvent.objects.get()
    replays.replay_event(event_id=event.pk, by=StaffFactory(username="ada"), reason="to be sure")

    story = explain_payment(PaymentLog.objects.get(pk=paid.pk))

    assert [moment.at for moment in story.moments] == sorted(moment.at for moment in story.moments)
    assert sorted((moment.what, moment.told) for moment in story.moments) == [
        ("ledger", "Ledger: +25.00 credits: credit, balance 25.00"),
        ("payment", "Checkout page opened: pending to processing, checkout opened (by a command)"),
        ("payment", "Paid and credited: processing to completed, paid (through an event)"),
        ("payment", "Purchase begun: pending, initialized (by a command)"),
        ("webhook", "Event charge.success processed"),
        ("webhook", "Event charge.success received"),
        ("webhook", "Event charge.success, attempt 1: replay processed (ada), because: to be sure"),
    ]


def test_story_tells_calls_failures_and_repeated_deliveries(payment, sandbox, settings):
    sandbox.script(operation="verify", fault="rejected", code="insufficient", message="No", times=None)
    event = WebhookEventFactory(event_type="charge.failed", reference=payment.reference, deliveries=3)
    webhooks.drain_inbox()

    told = {(moment.what, moment.told) for moment in explain_payment(payment).moments}

    assert ("webhook", "Event charge.failed received: delivered 3 times") in told
    failure = "worker retrying: GatewayUnavailableError Paystack would not look the payment up."
    assert ("webhook", f"Event charge.failed, attempt 1: {failure}") in told
    assert ("paystack", "Asked Paystack about the payment: rejected: insufficient No") in told
    assert WebhookEvent.objects.get(pk=event.pk).status == "retrying"


def test_story_tells_refunds_and_disputes(payment, sandbox):
    told_events.refund(sandbox, payment)
    sandbox.open_dispute(payment.reference)
    told_events.tell(sandbox, payment.reference, "charge.dispute.create")
    webhooks.drain_inbox()
    refund, dispute = Refund.objects.get(), Dispute.objects.get()

    told = [moment.told for moment in explain_payment(payment).moments if moment.what in {"refund", "dispute"}]

    subject = f"{refund.reference} of 16,500.00 NGN, submitted"
    assert told == [
        f"Refund made on Paystack's dashboard: {subject}, made elsewhere (through an event), because: {refund.reason}",
        f"Refund paid back: {subject} to processed, processed (through an event)",
        f"Disputed by the payer's bank: {dispute.gateway_dispute_id}, open, opened (through an event)",
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

    subject = f"{refund.reference} of 16,500.00 NGN, "
    assert first == (
        f"Refund asked for, waits for approval: {subject}awaiting approval, requested (by a command), "
        "because: Asked for"
    )
    title, done = {"approve": ("Refund to be sent", "approved"), "reject": ("Refund rejected", "rejected")}[decide]
    assert second == (
        f"{title}: {subject}awaiting approval to {done}, {done} (ada, by a command), because: Seen the bank's letter."
    )


def test_story_tells_why_a_refund_failed(paid, sandbox):
    sandbox.script(operation="refund", fault="rejected", code="insufficient_balance", message="Balance too low")
    refund = request_refund(paid)
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    *_, last = (moment.told for moment in explain_payment(paid).moments if moment.what == "refund")

    assert last.startswith(f"Refund failed: {refund.reference} of 16,500.00 NGN, submitting to failed, ")
    assert last.endswith("because: Balance too low")


@pytest.mark.parametrize(
    ("status", "error_class", "told"),
    [
        (EventStatus.QUARANTINED, "wrong_domain", "Event charge.success received: is quarantined (wrong_domain)"),
        (EventStatus.IGNORED, "unknown_type", "Event charge.success received: is ignored (unknown_type)"),
        (EventStatus.DISMISSED, "", "Event charge.success received: is dismissed"),
        (EventStatus.RECEIVED, "", "Event charge.success received"),
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

    told = f"The customer owes 20.00 credits: {owed.reference} (dispute_lost)"
    assert [moment.told for moment in story.moments if moment.what == "owed"] == [told]
    assert story.conclusion.endswith("The user owes 20.00 credits. Nothing is to be done.")


def test_story_tells_that_a_debt_was_cancelled(paid):
    owed = ReceivableFactory(payment_log=paid, amount=Decimal(4), cancelled_at=later())

    story = explain_payment(paid)

    assert [moment.told for moment in story.moments if moment.what == "owed"] == [
        f"The customer owes 4.00 credits: {owed.reference} (dispute_lost)",
        f"The customer no longer owes 4.00 credits: {owed.reference} (dispute_lost)",
    ]
    assert "owes" not in story.conclusion


def test_story_and_conclusion_tell_of_a_break_until_it_is_closed(paid):
    found = ReconciliationBreakFactory(kind="state", subject=paid.reference, payment=paid, theirs="reversed 1 NGN")

    story = explain_payment(paid)

    told = f"The books differ: state of {paid.reference}: completed here, reversed 1 NGN at Paystack"
    assert [moment.told for moment in story.moments if moment.what == "break"] == [told]
    assert story.conclusion == (
        f"Paystack's books and ours differ about {paid.reference}: completed here, reversed 1 NGN there. "
        "Reconciliation repairs what Paystack's word can; else Finance settles it, then dismisses the break."
    )
    assert story.commands == [
        "reconcile_payments --since … --until … --fix --by …",
        f"reconcile_payments --dismiss {found.pk} --reason … --by …",
    ]

    ReconciliationBreak.objects.update(state="gone", closed_at=later())
    story = explain_payment(PaymentLog.objects.get(pk=paid.pk))

    assert [moment.told for moment in story.moments if moment.what == "break"] == [
        told,
        f"Difference gone: state of {paid.reference}",
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

    assert last == f"Difference dismissed: missing_there of {paid.reference} (ada), because: Another product's."


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
        "Review ended: dismissed: it was for overpaid (ada), because: The rest was sent back by bank."
    ]


def test_story_tells_notes_and_who_looked_and_what_was_refused(payment):
    ada, eve = StaffFactory(username="ada"), StaffFactory(username="eve")
    add_note(subject=payment.reference, text="Called twice.", key=uuid4(), by=ada, now=timezone.now())
    record_look(by=eve, action=VIEW_ACTION, subject=payment.reference, now=timezone.now())
    record_action(
        by=eve, action="refund.request", subject=payment.reference, reason="Too much.", outcome=Outcome.REFUSED
    )
    record_action(by=eve, action="review.dismiss", subject=payment.reference)

    told = [(moment.what, moment.told) for moment in explain_payment(payment).moments]

    assert [line for line in told if line[0] in {"note", "staff"}] == [
        ("note", "Note: Called twice. (ada)"),
        ("staff", "Looked at (eve)"),
        ("staff", "Not done: refund request (eve), because: Too much."),
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

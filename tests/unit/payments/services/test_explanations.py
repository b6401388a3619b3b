"""The story of a payment, told in order from everything that is stored of it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Receivable
from payments.lifecycles import EventStatus, ReviewReason
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, ReviewDecision, WebhookEvent
from payments.services import refund_submission, refunds, replays, webhooks
from payments.services.explanations import explain_payment
from tests.factories.billing import post
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.refunds import ReceivableFactory, ReconciliationBreakFactory, request
from tests.factories.users import StaffFactory
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services import told_events
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


def later():
    return timezone.now() + timedelta(hours=1)


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
    refund = request(paid, "10")
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
    assert first == f"{subject}awaiting_approval (requested, command), because: {refund.reason}"
    done = {"approve": "approved (approved", "reject": "rejected (rejected"}[decide]
    assert second == f"{subject}awaiting_approval -> {done}, command by ada), because: Seen the bank's letter."


def test_story_tells_why_a_refund_failed(paid, sandbox):
    sandbox.script(operation="refund", fault="rejected", code="insufficient_balance", message="Balance too low")
    refund = request(paid, "10")
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

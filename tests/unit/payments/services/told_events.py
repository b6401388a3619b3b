"""Purchases at the sandbox, and the events that it tells of them, stored as the webhook stores them."""

import hashlib
from typing import Any

from devtools.sandbox.ledger import tables
from devtools.sandbox.sandbox import Sandbox
from payments.gateways.paystack import transactions
from payments.lifecycles import EventStatus, PaymentState
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhook_ingest
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.snapshots import Snapshot, take_snapshot

REFUND_MINOR = 1_650_000
# What an event, its attempts, who asked for them and questions to the gateway leave behind without any effect on money.
OF_THE_INBOX = ("webhook_events", "webhook_attempts", "gateway_calls", "audit_log")


def read_books() -> Snapshot:
    """Return a digest of all but the inbox and the audit log: wallets, ledger, payments, refunds, disputes …"""
    return take_snapshot(without=OF_THE_INBOX)


def buy(**columns: Any) -> PaymentLog:
    """Make a payment whose page waits at the sandbox."""
    payment = PaymentFactory(at=PaymentState.PROCESSING, **columns)
    transactions.initialize_transaction(
        email=payment.email,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=payment.reference,
    )
    return payment


def tell(sandbox: Sandbox, reference: str, name: str) -> WebhookEvent:
    """Store the newest event of that name which the sandbox has about a payment."""
    with sandbox.database.work() as connection:
        told = tables.events.find(connection, ("reference = ?", reference), ("event = ?", name))
    assert told is not None
    webhook_ingest.ingest(told.body)
    return WebhookEvent.objects.get(body_sha256=hashlib.sha256(told.body).digest())


def pay(sandbox: Sandbox, payment: PaymentLog) -> WebhookEvent:
    """Pay, and store the news."""
    sandbox.pay(payment.reference)
    return tell(sandbox, payment.reference, "charge.success")


def decline(sandbox: Sandbox, payment: PaymentLog) -> WebhookEvent:
    """Try to pay and fail, and store the news."""
    sandbox.pay(payment.reference, outcome="failed")
    return WebhookEventFactory(event_type="charge.failed", reference=payment.reference)


def refund(sandbox: Sandbox, payment: PaymentLog, status: str = "processed") -> WebhookEvent:
    """Pay, have 10 of the 25 credits' worth sent back on the gateway's dashboard, and store the news of that."""
    sandbox.pay(payment.reference)
    made, _ = sandbox.request_refund(payment.reference, amount_minor=REFUND_MINOR, currency=None)
    sandbox.move_refund(made.id, status)
    return tell(sandbox, payment.reference, f"refund.{status}")


def dispute(sandbox: Sandbox, payment: PaymentLog) -> WebhookEvent:
    """Pay, have the payer's bank claim it back, and store the news."""
    sandbox.pay(payment.reference)
    sandbox.open_dispute(payment.reference)
    return tell(sandbox, payment.reference, "charge.dispute.create")


def lose_dispute(sandbox: Sandbox, payment: PaymentLog) -> WebhookEvent:
    """Pay, have the bank claim it back and get it, and store the news."""
    sandbox.pay(payment.reference)
    number = sandbox.open_dispute(payment.reference)["dispute"]["id"]
    sandbox.resolve_dispute(number, "merchant-accepted")
    return tell(sandbox, payment.reference, "charge.dispute.resolve")


# Each kind of processing that an event can set off.
STORIES = (pay, decline, refund, dispute, lose_dispute)


def bury(event: WebhookEvent) -> WebhookEvent:
    """Make a dead letter of an event, as four failures would."""
    WebhookEvent.objects.filter(pk=event.pk).update(
        status=EventStatus.DEAD, attempts=4, next_attempt_at=None, error_class="SomeError", error="it did not work"
    )
    event.refresh_from_db()
    return event

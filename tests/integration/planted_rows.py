"""Rows for every table, made by code that a process of its own runs, and how many of them there are."""

SETTING = """
import django
django.setup()
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from billing.services import holds
from namaskah.api_keys.services import issue_api_key
from namaskah.idempotency.models import IdempotencyKey
from namaskah.observability.models import Heartbeat
from payments.models import PaymentLog
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.payments import (
    CAUSE, GatewayCallFactory, PaymentFactory, WebhookAttemptFactory, WebhookEventFactory,
)
from tests.factories.people import CreditAdjustmentFactory, ReviewDecisionFactory, ask, reject
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.refunds import (
    DisputeFactory, HoldFactory, ReceivableFactory, ReconciliationBreakFactory, RefundFactory, place, request,
)
now = timezone.now()
user, _ = User.objects.get_or_create(username="ada", email="ada@example.com")
grace, joan = (
    User.objects.get_or_create(username=name, is_staff=True, is_superuser=True)[0] for name in ("grace", "joan")
)
"""
# One purchase taken through a real credit and a real refund, and a row in every other table, all decided.
PLANT = (
    SETTING
    + """
payment = PaymentFactory(user=user, at="completed")
refund = request(payment, "10.00", by=grace)
# More than was asked for: the fees went back too, at the gateway's own dashboard.
overpaid = PaymentFactory(user=user, at="failed")
overpaid.amount_paid_minor = overpaid.amount_refunded_minor = overpaid.amount_minor + 1
with transaction.atomic():
    overpaid.write([overpaid], now=now)
more = RefundFactory(payment=overpaid)
hold = place(user, 1)
dispute = DisputeFactory(payment=payment)
with transaction.atomic():
    for number, row in enumerate((refund, more), 1):
        row.start_submitting(cause=CAUSE, now=now)
        row.write([row], now=now)
        row.note_submitted(gateway_refund_id=number, cause=CAUSE, reason="accepted", now=now)
        row.write([row], now=now)
        row.note_processed(cause=CAUSE, now=now)
        row.write([row], now=now)
    holds.release_hold(hold.pk, user_id=user.pk, now=now)
    dispute.win(cause=CAUSE, now=now)
    dispute.write([dispute], now=now)
reject(ask(user, "1000", by=grace), joan)
ReceivableFactory(payment_log=payment)
ReconciliationBreakFactory(payment=payment)
ReviewDecisionFactory(payment=payment, decided_by=user)
GatewayCallFactory(payment=payment)
ReplayRunEventFactory(
    event=WebhookAttemptFactory(event=WebhookEventFactory(payment=payment)).event, run=ReplayRunFactory(by=grace)
)
ExchangeRateFactory()
issue_api_key(user=user, name="test", expires_in=None, by=None, now=now)
for point in ("started", "entry_posted"):
    IdempotencyKey.objects.create(
        user=user, key=uuid4(), recovery_point=point, created_at=now, expires_at=now + timedelta(hours=72)
    )
Heartbeat.objects.get_or_create(name="worker", defaults={"beat_at": now})
"""
)
# One of each kind that may not be lost.
PLANT_UNDECIDED = (
    SETTING
    + """
payment = PaymentLog.objects.get(credited=True)
request(payment, "10.00", by=grace)
place(user, 1)
DisputeFactory(payment=payment, gateway_dispute_id=1)
ask(user, "1000", by=grace)
"""
)
TABLES = {
    "payment_logs": 2,
    "sms_transactions": 2,
    "wallets": 1,
    "holds": 2,
    "receivables": 1,
    "refunds": 2,
    "disputes": 1,
    "reconciliation_breaks": 1,
    "credit_adjustments": 1,
    "review_decisions": 1,
    "exchange_rates": 1,
    "gateway_calls": 1,
    "webhook_events": 1,
    "webhook_attempts": 1,
    "replay_runs": 1,
    "replay_run_events": 1,
    "api_keys": 1,
    "idempotency_keys": 2,
    "heartbeats": 1,
}
# These came after the first migrations, and go with their own.
BORN_LATER = {
    "holds",
    "receivables",
    "refunds",
    "disputes",
    "reconciliation_breaks",
    "credit_adjustments",
    "review_decisions",
    "replay_runs",
    "replay_run_events",
}

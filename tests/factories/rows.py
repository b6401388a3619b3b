"""One row of every table that the back office shows."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from billing.models import CreditAdjustment, ExchangeRate, Hold, Receivable, Transaction, Wallet
from namaskah.api_keys.models import ApiKey
from namaskah.audit.models import AuditEntry, Note
from namaskah.audit.records import record_action
from namaskah.idempotency.models import IdempotencyKey
from namaskah.observability.models import Heartbeat
from payments.lifecycles import PaymentState
from payments.models import (
    Dispute,
    GatewayCall,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReplayRun,
    ReplayRunEvent,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)
from tests.factories.api_keys import make_api_key
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookAttemptFactory
from tests.factories.people import CreditAdjustmentFactory, ReviewDecisionFactory
from tests.factories.refunds import (
    DisputeFactory,
    ReceivableFactory,
    ReconciliationBreakFactory,
    RefundFactory,
    place,
)
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.users import UserFactory
from tests.unit.namaskah.idempotency.steps import claim


def _note() -> Note:
    return Note.objects.create(subject="nmk-1", text="Called back.", author=UserFactory(), created_at=timezone.now())


def _idempotency_key(user: User) -> IdempotencyKey:
    claim(user)
    return IdempotencyKey.objects.get(user=user)


MAKE: dict[type[models.Model], Callable[[], Any]] = {
    ApiKey: lambda: make_api_key(UserFactory())[0],
    AuditEntry: lambda: record_action(by=UserFactory(), action="payment.refund", subject="nmk-1"),
    CreditAdjustment: CreditAdjustmentFactory,
    Dispute: DisputeFactory,
    ExchangeRate: ExchangeRateFactory,
    GatewayCall: GatewayCallFactory,
    Heartbeat: lambda: Heartbeat.objects.create(name=str(uuid4()), beat_at=timezone.now()),
    Hold: lambda: place(post(UserFactory()).user, 1),
    IdempotencyKey: lambda: _idempotency_key(UserFactory()),
    Note: _note,
    PaymentLog: lambda: PaymentFactory(at=PaymentState.COMPLETED),
    Receivable: ReceivableFactory,
    ReconciliationBreak: ReconciliationBreakFactory,
    Refund: RefundFactory,
    ReplayRun: ReplayRunFactory,
    ReplayRunEvent: ReplayRunEventFactory,
    ReviewDecision: ReviewDecisionFactory,
    Transaction: lambda: post(UserFactory()),
    User: UserFactory,
    Wallet: lambda: Wallet.objects.get(user=post(UserFactory()).user),
    WebhookAttempt: WebhookAttemptFactory,
    WebhookEvent: lambda: WebhookAttemptFactory().event,
}

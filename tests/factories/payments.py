"""Payments, evidence, webhook events and gateway calls for tests."""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory

from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.lifecycles import EventStatus, PaymentState, TransitionSource
from payments.models import Cause, Evidence, GatewayCall, PaymentLog, WebhookAttempt, WebhookEvent
from payments.services import crediting

CAUSE = Cause(source=TransitionSource.COMMAND)


class EvidenceFactory(factory.Factory[Evidence]):
    """What the gateway says of a payment that was paid in full; `of` fits it to one."""

    class Meta:
        model = Evidence

    class Params:
        of = None

    reference = factory.LazyAttribute(lambda said: said.of.reference if said.of else new_reference(PAYMENT_PREFIX))
    status = "success"
    domain = "test"
    currency = factory.LazyAttribute(lambda said: said.of.currency if said.of else "NGN")
    amount_minor = factory.LazyAttribute(lambda said: said.of.amount_minor if said.of else 4_125_000)
    requested_amount_minor = factory.SelfAttribute("amount_minor")
    fees_minor = 1500
    gateway_transaction_id = factory.Sequence(lambda number: 4_099_260_516_000 + number)
    channel = "card"
    paid_at = factory.LazyFunction(timezone.now)
    gateway_response = "Successful"


class PaymentFactory(DjangoModelFactory[PaymentLog]):
    """A purchase of 25 credits in naira, pending; `at` takes it further by the product's own steps."""

    class Meta:
        model = PaymentLog
        skip_postgeneration_save = True

    user = factory.SubFactory("tests.factories.users.UserFactory")
    email = factory.LazyAttribute(lambda payment: payment.user.email or "payer@example.com")
    reference = factory.LazyFunction(lambda: new_reference(PAYMENT_PREFIX))
    idempotency_key = factory.LazyFunction(uuid4)
    amount_usd = factory.SelfAttribute("credit_amount")
    currency = "NGN"
    amount_minor = 4_125_000
    exchange_rate = Decimal("1650.000000")
    credit_amount = Decimal("25.0000")
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    state_transitions = factory.LazyAttribute(lambda payment: [_birth(payment.created_at)])

    @factory.post_generation
    def at(self, create, state, **_):
        if create and state:
            bring_to(self, state)


class WebhookEventFactory(DjangoModelFactory[WebhookEvent]):
    """A `charge.success` just received and due now."""

    class Meta:
        model = WebhookEvent

    event_type = "charge.success"
    object_id = factory.Sequence(lambda number: 302_961_000 + number)
    reference = factory.LazyFunction(lambda: new_reference(PAYMENT_PREFIX))
    body = factory.LazyAttribute(lambda event: _body(event.event_type, event.object_id, event.reference))
    body_sha256 = factory.LazyAttribute(lambda event: hashlib.sha256(event.body).digest())
    received_at = factory.LazyFunction(timezone.now)
    last_delivered_at = factory.SelfAttribute("received_at")
    status = EventStatus.RECEIVED
    next_attempt_at = factory.SelfAttribute("received_at")
    created_at = factory.SelfAttribute("received_at")


class WebhookAttemptFactory(DjangoModelFactory[WebhookAttempt]):
    """The first attempt at an event, failed."""

    class Meta:
        model = WebhookAttempt

    event = factory.SubFactory(WebhookEventFactory)
    number = 1
    started_at = factory.LazyFunction(timezone.now)
    finished_at = factory.SelfAttribute("started_at")
    outcome = "failed"
    trigger = "drain"


class GatewayCallFactory(DjangoModelFactory[GatewayCall]):
    """A call that is about to be made."""

    class Meta:
        model = GatewayCall

    operation = "verify"
    reference = factory.LazyFunction(lambda: new_reference(PAYMENT_PREFIX))
    started_at = factory.LazyFunction(timezone.now)


def bring_to(payment: PaymentLog, state: PaymentState) -> None:
    """Take a pending payment to `state`: completed by a real credit, failed from processing.

    The product has no step to refunded yet.
    """
    if state == PaymentState.COMPLETED:
        evidence = EvidenceFactory(of=payment)
        crediting.credit_user(reference=payment.reference, evidence=evidence, cause=CAUSE, now=timezone.now())
    if state in {PaymentState.PROCESSING, PaymentState.FAILED}:
        _write(payment, PaymentState.PROCESSING)
    if state == PaymentState.FAILED:
        _write(payment, PaymentState.FAILED)
    payment.refresh_from_db()


def _write(payment: PaymentLog, state: PaymentState) -> None:
    now = timezone.now()
    if state == PaymentState.PROCESSING:
        payment.start_processing(cause=CAUSE, now=now)
    else:
        payment.fail(code="gateway_failed", message="Declined", cause=CAUSE, now=now)
    with transaction.atomic():
        PaymentLog.write([payment], now=now)


def _birth(now: datetime) -> dict[str, Any]:
    return CAUSE.as_entry(from_state=None, to_state=PaymentState.PENDING, reason="initialized", now=now)


def _body(event_type: str, object_id: int, reference: str) -> bytes:
    return json.dumps({"event": event_type, "data": {"id": object_id, "reference": reference}}).encode()

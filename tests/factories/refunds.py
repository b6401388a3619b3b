"""Holds, receivables, refunds, disputes and breaks for tests, and the steps that lead to a refund."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory

from billing.lifecycles import HoldReason, ReceivableReason
from billing.models import Hold, Receivable
from billing.services import holds
from namaskah.identifiers import REFUND_PREFIX, new_reference
from payments.lifecycles import BreakKind, DisputeState, RefundState
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund
from payments.services import refunds
from payments.services.refunds import RefundRequest
from tests.factories.billing import WalletFactory
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.users import StaffFactory


class HoldFactory(DjangoModelFactory[Hold]):
    """10 credits held for a refund, for `build`: only `place` moves the wallet too."""

    class Meta:
        model = Hold

    wallet = factory.SubFactory(WalletFactory)
    reason = HoldReason.REFUND
    reference = factory.LazyFunction(lambda: new_reference(REFUND_PREFIX))
    amount = Decimal("10.0000")
    created_at = factory.LazyFunction(timezone.now)


class ReceivableFactory(DjangoModelFactory[Receivable]):
    """10 credits that the payer of a payment owes after a lost dispute."""

    class Meta:
        model = Receivable

    payment_log = factory.SubFactory(PaymentFactory)
    user = factory.SelfAttribute("payment_log.user")
    reason = ReceivableReason.DISPUTE_LOST
    reference = factory.LazyFunction(lambda: new_reference(REFUND_PREFIX))
    amount = Decimal("10.0000")
    created_at = factory.LazyFunction(timezone.now)


class RefundFactory(DjangoModelFactory[Refund]):
    """A refund of a whole payment, approved, that holds and has booked nothing; `request` makes real ones."""

    class Meta:
        model = Refund

    payment = factory.SubFactory(PaymentFactory, at="completed")
    reference = factory.LazyFunction(lambda: new_reference(REFUND_PREFIX))
    amount_minor = factory.SelfAttribute("payment.amount_minor")
    credit_amount = factory.SelfAttribute("payment.credit_amount")
    reason = "Asked for by the customer."
    state = RefundState.APPROVED
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    state_transitions = factory.LazyAttribute(lambda refund: [_birth(refund.state, refund.created_at)])


class DisputeFactory(DjangoModelFactory[Dispute]):
    """A dispute about a whole payment, open, that holds nothing."""

    class Meta:
        model = Dispute

    payment = factory.SubFactory(PaymentFactory, at="completed")
    gateway_dispute_id = factory.Sequence(lambda number: 2_867_000 + number)
    category = "chargeback"
    amount_minor = factory.SelfAttribute("payment.amount_minor")
    credit_amount = factory.SelfAttribute("payment.credit_amount")
    state = DisputeState.OPEN
    gateway_status = "awaiting-merchant-feedback"
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    state_transitions = factory.LazyAttribute(lambda dispute: [_birth(dispute.state, dispute.created_at)])


class ReconciliationBreakFactory(DjangoModelFactory[ReconciliationBreak]):
    """A payment that the gateway does not know, just found."""

    class Meta:
        model = ReconciliationBreak

    kind = BreakKind.MISSING_THERE
    subject = factory.LazyFunction(lambda: new_reference("nmk-"))
    ours = "completed"
    theirs = "nothing"
    first_seen_at = factory.LazyFunction(timezone.now)
    last_seen_at = factory.SelfAttribute("first_seen_at")


def place(user: User, amount: Decimal | int, **hold: Any) -> Hold:
    """Hold that much of what the user has available."""
    terms = {"reason": HoldReason.REFUND, "reference": new_reference(REFUND_PREFIX), "now": timezone.now()}
    with transaction.atomic():
        return holds.place_hold(user_id=user.pk, amount=Decimal(amount), **terms | hold)


def request(
    payment: PaymentLog, amount_usd: str | Decimal | None = None, *, by: User | None = None, **changes: Any
) -> Refund:
    """Ask for a refund as a member of staff does, of the whole payment unless told otherwise."""
    asked = {"reason": "Asked for by the customer.", "idempotency_key": uuid4()} | changes
    claim = asked.pop("claim", None)
    amount = None if amount_usd is None else Decimal(amount_usd)
    return refunds.request_refund(
        request=RefundRequest(payment_id=payment.pk, amount_usd=amount, **asked),
        by=by or StaffFactory(),
        cause=CAUSE,
        now=timezone.now(),
        claim=claim,
    )


def _birth(state: str, now: datetime) -> dict[str, Any]:
    return CAUSE.as_entry(from_state=None, to_state=state, reason="planted", now=now)

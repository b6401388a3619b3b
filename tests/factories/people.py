"""Members of staff who may do one thing each, and what they do by hand."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from factory.django import DjangoModelFactory

from billing.lifecycles import AdjustmentReason, AdjustmentState
from billing.models import CreditAdjustment
from billing.services import adjustments
from billing.services.adjustments import AdjustmentRequest
from namaskah.identifiers import ADJUSTMENT_PREFIX, new_reference
from payments.lifecycles import ReviewOutcome, ReviewReason
from payments.models import ReviewDecision
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory


class AgentFactory(UserFactory):
    """A member of staff who may ask for adjustments; `permission` names another, and "" none."""

    class Meta:
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"agent-{number}")
    is_staff = True

    @factory.post_generation
    def permission(self, create, codename, **_):
        name = "request_adjustment" if codename is None else codename
        if create and name:
            self.user_permissions.add(Permission.objects.get(codename=name))


class CreditAdjustmentFactory(DjangoModelFactory[CreditAdjustment]):
    """10 credits that wait for a second person; `ask` asks for real ones."""

    class Meta:
        model = CreditAdjustment

    user = factory.SubFactory(UserFactory)
    reference = factory.LazyFunction(lambda: new_reference(ADJUSTMENT_PREFIX))
    idempotency_key = factory.LazyFunction(uuid4)
    amount = Decimal("10.0000")
    reason_code = AdjustmentReason.GOODWILL
    note = "A message was charged and never sent."
    ticket = "T-1"
    requested_by = factory.SubFactory(UserFactory)
    needs_approval = True
    state = AdjustmentState.AWAITING_APPROVAL
    created_at = factory.LazyFunction(timezone.now)


class ReviewDecisionFactory(DjangoModelFactory[ReviewDecision]):
    """A review that a person dismissed."""

    class Meta:
        model = ReviewDecision

    payment = factory.SubFactory(PaymentFactory)
    review_reason = ReviewReason.AMOUNT_MISMATCH
    outcome = ReviewOutcome.DISMISSED
    note = "The payer was told."
    decided_by = factory.SubFactory(UserFactory)
    created_at = factory.LazyFunction(timezone.now)


def ask(
    user: User, amount: str | Decimal, *, by: User | None = None, now: datetime | None = None, **changes: Any
) -> CreditAdjustment:
    """Ask to give the user so many credits, or to take them, as a member of staff does."""
    asked = {
        "reason_code": AdjustmentReason.GOODWILL,
        "note": "A message was charged and never sent.",
        "ticket": "T-1",
        "idempotency_key": uuid4(),
    } | changes
    return adjustments.request_adjustment(
        request=AdjustmentRequest(user_id=user.pk, amount=Decimal(amount), **asked),
        by=by or AgentFactory(),
        now=now or timezone.now(),
    )


def approve(adjustment: CreditAdjustment, by: User) -> CreditAdjustment:
    """Agree to an adjustment as a second person."""
    return adjustments.approve_adjustment(
        adjustment_id=adjustment.pk, by=by, comment="Seen the ticket.", now=timezone.now()
    )


def reject(adjustment: CreditAdjustment, by: User) -> CreditAdjustment:
    """Refuse an adjustment as a second person."""
    return adjustments.reject_adjustment(
        adjustment_id=adjustment.pk, by=by, comment="No such message.", now=timezone.now()
    )

"""Payments that a payer's bank claims back."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from namaskah.identifiers import REFUND_PREFIX, new_id
from namaskah.money import CREDIT_LIMIT
from namaskah.states import StateField, transition
from payments import lifecycles
from payments.lifecycles import DISPUTE_UNDECIDED, DisputeState
from payments.models.causes import Cause
from payments.models.payment import PaymentLog
from payments.models.versioned import VersionedModel


class Dispute(VersionedModel):
    """One dispute at the gateway; `credit_amount` is what the claimed money was credited as."""

    changing_fields = (
        "state",
        "state_transitions",
        "gateway_status",
        "resolution",
        "hold_id",
        "ledger_entry_id",
        "due_at",
        "resolved_at",
    )

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway_dispute_id = models.BigIntegerField(unique=True)
    payment = models.ForeignKey(PaymentLog, on_delete=models.PROTECT, related_name="disputes")
    category = models.CharField(max_length=60, blank=True)
    amount_minor = models.BigIntegerField()
    credit_amount = models.DecimalField(max_digits=18, decimal_places=4)

    state = StateField(max_length=20, choices=DisputeState.choices, default=DisputeState.OPEN)
    state_transitions = models.JSONField(default=list)
    lock_version = models.PositiveIntegerField(default=0)
    gateway_status = models.CharField(max_length=60)
    resolution = models.CharField(max_length=60, blank=True)
    hold = models.ForeignKey(
        "billing.Hold", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    ledger_entry = models.ForeignKey(
        "billing.Transaction", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    due_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "disputes"
        constraints = [
            models.CheckConstraint(name="payments_dispute_state_known", condition=Q(state__in=DisputeState.values)),
            models.CheckConstraint(
                name="payments_dispute_amounts_positive",
                condition=Q(gateway_dispute_id__gt=0, amount_minor__gt=0)
                & Q(credit_amount__gte=0, credit_amount__lt=CREDIT_LIMIT),
            ),
        ]
        indexes = [
            models.Index(
                name="payments_dispute_undecided",
                fields=["due_at"],
                condition=Q(state__in=list(DISPUTE_UNDECIDED)),
            )
        ]

    def __str__(self) -> str:
        return f"dispute {self.gateway_dispute_id} ({self.state})"

    @property
    def reference(self) -> str:
        """What the hold, the ledger entry and a receivable of this dispute are called."""
        return f"{REFUND_PREFIX}dispute-{self.gateway_dispute_id}"

    def record_birth(self, *, cause: Cause, now: datetime) -> None:
        """Write the first entry of the trail, from nothing to open."""
        self.state_transitions = [cause.as_entry(from_state=None, to_state=DisputeState.OPEN, reason="opened", now=now)]

    @transition(field=state, source=lifecycles.dispute_sources_of(DisputeState.LOST), target=DisputeState.LOST)
    def lose(self, *, cause: Cause, now: datetime) -> None:
        """Note that the money was taken back."""
        self._append(DisputeState.LOST, cause=cause, now=now)

    @transition(field=state, source=lifecycles.dispute_sources_of(DisputeState.WON), target=DisputeState.WON)
    def win(self, *, cause: Cause, now: datetime) -> None:
        """Note that the money stays."""
        self._append(DisputeState.WON, cause=cause, now=now)

    @transition(field=state, source=lifecycles.dispute_sources_of(DisputeState.REVIEW), target=DisputeState.REVIEW)
    def ask_for_review(self, *, cause: Cause, now: datetime) -> None:
        """Note that a person must decide what the resolution means."""
        self._append(DisputeState.REVIEW, cause=cause, now=now)

    def _append(self, to_state: DisputeState, *, cause: Cause, now: datetime) -> None:
        entry = cause.as_entry(from_state=self.state, to_state=to_state, reason=self.resolution or "resolved", now=now)
        self.state_transitions = [*self.state_transitions, entry]

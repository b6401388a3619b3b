"""Money on its way back to a payer."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT
from namaskah.states import StateField, transition
from payments import lifecycles
from payments.lifecycles import REFUND_ENDED_WITHOUT_MONEY, REFUND_IN_DOUBT, RefundState
from payments.models.causes import Cause
from payments.models.payment import PaymentLog
from payments.models.versioned import VersionedModel


class Refund(VersionedModel):
    """One refund of a payment, whole or in part; `credit_amount` is what the customer's wallet gives for it."""

    changing_fields = (
        "state",
        "state_transitions",
        "decided_by_id",
        "decided_at",
        "decision_comment",
        "gateway_refund_id",
        "hold_id",
        "ledger_entry_id",
        "reversal_id",
        "submitted_at",
        "next_check_at",
        "checks",
        "error_code",
        "error_message",
    )

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(PaymentLog, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    reference = models.CharField(max_length=40, unique=True)
    idempotency_key = models.UUIDField(null=True, blank=True)
    amount_minor = models.BigIntegerField()
    credit_amount = models.DecimalField(max_digits=18, decimal_places=4)
    reason = models.CharField(max_length=300)
    # Whoever asked for it; nobody if it was made on the gateway's own dashboard.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    needs_approval = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_comment = models.CharField(max_length=300, blank=True, default="")

    state = StateField(max_length=20, choices=RefundState.choices)
    state_transitions = models.JSONField(default=list)
    lock_version = models.PositiveIntegerField(default=0)
    gateway_refund_id = models.BigIntegerField(null=True, blank=True)
    hold = models.ForeignKey(
        "billing.Hold", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    ledger_entry = models.ForeignKey(
        "billing.Transaction", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reversal = models.ForeignKey(
        "billing.Transaction", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "refunds"
        permissions = [("approve_refund", "Can approve or reject a refund of another person")]
        constraints = [
            models.UniqueConstraint(
                name="payments_refund_key_once",
                fields=["requested_by", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
            ),
            models.UniqueConstraint(
                name="payments_refund_gateway_refund_once",
                fields=["gateway_refund_id"],
                condition=Q(gateway_refund_id__isnull=False),
            ),
            models.UniqueConstraint(
                name="payments_refund_one_in_doubt", fields=["payment"], condition=Q(state__in=REFUND_IN_DOUBT)
            ),
            models.CheckConstraint(name="payments_refund_state_known", condition=Q(state__in=RefundState.values)),
            models.CheckConstraint(
                name="payments_refund_amounts_positive",
                condition=Q(amount_minor__gt=0, credit_amount__gte=0, credit_amount__lt=CREDIT_LIMIT),
            ),
            models.CheckConstraint(name="payments_refund_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="payments_refund_reference_form", condition=Q(reference__regex=r"^rfd-[0-9a-z]{36}$")
            ),
            models.CheckConstraint(
                name="payments_refund_two_persons",
                condition=Q(needs_approval=False)
                | Q(decided_by__isnull=True)
                | Q(requested_by__isnull=True)
                | ~Q(requested_by=F("decided_by")),
            ),
            models.CheckConstraint(
                name="payments_refund_waits_for_decision",
                condition=Q(needs_approval=False)
                | Q(state=RefundState.AWAITING_APPROVAL)
                | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_refund_decision_has_time",
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_refund_comment_of_decision",
                condition=Q(decision_comment="") | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_refund_without_money_without_credits",
                condition=~Q(state__in=REFUND_ENDED_WITHOUT_MONEY)
                | Q(ledger_entry__isnull=True)
                | Q(reversal__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_refund_reversal_of_failed_only",
                condition=Q(reversal__isnull=True) | Q(state=RefundState.FAILED, ledger_entry__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_refund_submitted_is_known_there",
                condition=~Q(state__in=[RefundState.SUBMITTED, RefundState.PROCESSED])
                | Q(gateway_refund_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="payments_refund_of_payment", fields=["payment"]),
            models.Index(
                name="payments_refund_to_check", fields=["next_check_at"], condition=Q(next_check_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"

    def record_birth(self, *, cause: Cause, reason: str, now: datetime) -> None:
        """Write the first entry of the trail, from nothing to the state that the refund is born in."""
        entry = cause.as_entry(from_state=None, to_state=self.state, reason=reason, now=now)
        self.state_transitions = [entry]

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.APPROVED), target=RefundState.APPROVED)
    def approve(self, *, cause: Cause, reason: str, now: datetime) -> None:
        """Let it be sent, or sent again after it certainly was not."""
        self._append(RefundState.APPROVED, cause=cause, reason=reason, now=now)
        self.next_check_at = now

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.REJECTED), target=RefundState.REJECTED)
    def reject(self, *, cause: Cause, now: datetime) -> None:
        """Note that it is not to be."""
        self._append(RefundState.REJECTED, cause=cause, reason="rejected", now=now)
        self.next_check_at = None

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.SUBMITTING), target=RefundState.SUBMITTING)
    def start_submitting(self, *, cause: Cause, now: datetime) -> None:
        """Note that it is about to be sent."""
        self._append(RefundState.SUBMITTING, cause=cause, reason="submitting", now=now)
        self.submitted_at = now

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.UNKNOWN), target=RefundState.UNKNOWN)
    def lose_sight(self, *, cause: Cause, now: datetime) -> None:
        """Note that nobody knows whether the gateway has it."""
        self._append(RefundState.UNKNOWN, cause=cause, reason="outcome_unknown", now=now)
        self.checks = 0

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.SUBMITTED), target=RefundState.SUBMITTED)
    def note_submitted(self, *, gateway_refund_id: int, cause: Cause, reason: str, now: datetime) -> None:
        """Note that the gateway has it."""
        self._append(RefundState.SUBMITTED, cause=cause, reason=reason, now=now)
        self.gateway_refund_id = gateway_refund_id
        self.checks = 0

    @transition(
        field=state,
        source=lifecycles.refund_sources_of(RefundState.NEEDS_ATTENTION),
        target=RefundState.NEEDS_ATTENTION,
    )
    def ask_for_attention(self, *, reason: str, cause: Cause, now: datetime) -> None:
        """Note that a person must do something."""
        self._append(RefundState.NEEDS_ATTENTION, cause=cause, reason=reason, now=now)

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.PROCESSED), target=RefundState.PROCESSED)
    def note_processed(self, *, cause: Cause, now: datetime) -> None:
        """Note that the money went back."""
        self._append(RefundState.PROCESSED, cause=cause, reason="processed", now=now)
        self.next_check_at = None

    @transition(field=state, source=lifecycles.refund_sources_of(RefundState.FAILED), target=RefundState.FAILED)
    def fail(self, *, code: str, message: str, cause: Cause, now: datetime) -> None:
        """Note that the money stays."""
        self._append(RefundState.FAILED, cause=cause, reason=code, now=now)
        self.error_code = code[:60]
        self.error_message = message[:300]
        self.next_check_at = None

    def _append(self, to_state: RefundState, *, cause: Cause, reason: str, now: datetime) -> None:
        entry = cause.as_entry(from_state=self.state, to_state=to_state, reason=reason, now=now)
        self.state_transitions = [*self.state_transitions, entry]

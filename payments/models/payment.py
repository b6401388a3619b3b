"""The payment: one purchase of credits at one reference."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT, RATE_LIMIT
from namaskah.states import StateField, transition
from payments import lifecycles
from payments.lifecycles import PaymentState, ReviewReason
from payments.models.causes import Cause
from payments.models.evidence import Evidence
from payments.models.versioned import VersionedModel


class PaymentLog(VersionedModel):
    """One purchase of credits and everything that happened to it."""

    changing_fields = (
        "superseded_by_id",
        "state",
        "state_transitions",
        "credited",
        "credited_amount",
        "webhook_received",
        "gateway_transaction_id",
        "access_code",
        "authorization_url",
        "payment_method",
        "amount_paid_minor",
        "gateway_fee_minor",
        "amount_refunded_minor",
        "review_reason",
        "error_code",
        "error_message",
        "paid_at",
        "processing_started_at",
        "processing_completed_at",
        "next_check_at",
        "checks",
    )

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments", db_index=False
    )
    email = models.EmailField()
    reference = models.CharField(max_length=40, unique=True)
    idempotency_key = models.UUIDField()
    attempt = models.PositiveSmallIntegerField(default=1)
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded", db_index=False
    )
    amount_usd = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    exchange_rate = models.DecimalField(max_digits=18, decimal_places=6)
    credit_amount = models.DecimalField(max_digits=18, decimal_places=4)
    gateway = models.CharField(max_length=20, default="paystack")

    state = StateField(max_length=20, default=PaymentState.PENDING, choices=PaymentState.choices)
    state_transitions = models.JSONField(default=list)
    lock_version = models.PositiveIntegerField(default=0)
    credited = models.BooleanField(default=False)
    credited_amount = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    webhook_received = models.BooleanField(default=False)
    gateway_transaction_id = models.BigIntegerField(null=True, blank=True)
    access_code = models.CharField(max_length=100, blank=True)
    authorization_url = models.URLField(max_length=300, blank=True)
    payment_method = models.CharField(max_length=50, blank=True)
    amount_paid_minor = models.BigIntegerField(null=True, blank=True)
    gateway_fee_minor = models.BigIntegerField(null=True, blank=True)
    amount_refunded_minor = models.BigIntegerField(default=0)
    review_reason = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    processing_started_at = models.DateTimeField(null=True, blank=True)
    processing_completed_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "payment_logs"
        verbose_name = "payment"
        permissions = [("request_refund", "Can request a refund"), ("verify_payment", "Can have Paystack asked anew")]
        constraints = [
            models.UniqueConstraint(
                name="payments_paymentlog_key_once",
                fields=["user", "idempotency_key"],
                condition=Q(superseded_by__isnull=True),
            ),
            # Partial, although null is never equal to null: a column of a whole unique index counts as part of a
            # key, and setting it would make every insert that refers to the row wait for the credit's commit.
            models.UniqueConstraint(
                name="payments_paymentlog_gateway_transaction_once",
                fields=["gateway_transaction_id"],
                condition=Q(gateway_transaction_id__isnull=False),
            ),
            models.UniqueConstraint(
                name="payments_paymentlog_superseded_once",
                fields=["superseded_by"],
                condition=Q(superseded_by__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_amounts_positive",
                condition=Q(amount_usd__gt=0, amount_usd__lt=CREDIT_LIMIT, amount_minor__gt=0)
                & Q(credit_amount__gt=0, credit_amount__lt=CREDIT_LIMIT)
                & Q(exchange_rate__gt=0, exchange_rate__lt=RATE_LIMIT),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_credited_amount_positive",
                condition=Q(credited_amount__isnull=True) | Q(credited_amount__gt=0, credited_amount__lt=CREDIT_LIMIT),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_reference_form",
                condition=Q(reference__regex=r"^nmk-[0-9a-z]{36}$"),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_currency_form", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
            models.CheckConstraint(
                name="payments_paymentlog_state_known",
                condition=Q(state__in=PaymentState.values),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_credited_has_amount",
                condition=Q(credited=True, credited_amount__isnull=False)
                | Q(credited=False, credited_amount__isnull=True),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_completed_is_credited",
                condition=~Q(state=PaymentState.COMPLETED) | Q(credited=True),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_credited_is_settled",
                condition=Q(credited=False) | Q(state__in=[PaymentState.COMPLETED, PaymentState.REFUNDED]),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_settled_has_evidence",
                condition=~Q(state__in=[PaymentState.COMPLETED, PaymentState.REFUNDED])
                | Q(gateway_transaction_id__isnull=False, amount_paid_minor__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_evidence_positive",
                condition=(Q(gateway_transaction_id__isnull=True) | Q(gateway_transaction_id__gt=0))
                & (Q(amount_paid_minor__isnull=True) | Q(amount_paid_minor__gt=0))
                & (Q(gateway_fee_minor__isnull=True) | Q(gateway_fee_minor__gte=0)),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_refunds_within_amount",
                condition=Q(amount_refunded_minor__gte=0)
                & (
                    Q(amount_refunded_minor__lte=F("amount_minor"))
                    | Q(amount_refunded_minor__lte=F("amount_paid_minor"))
                ),
            ),
            models.CheckConstraint(
                name="payments_paymentlog_not_superseded_by_itself",
                condition=Q(superseded_by__isnull=True) | ~Q(superseded_by=F("id")),
            ),
        ]
        indexes = [
            models.Index(name="payments_paymentlog_of_user", fields=["user", "-created_at", "-id"]),
            models.Index(
                name="payments_paymentlog_to_check",
                fields=["next_check_at"],
                condition=Q(next_check_at__isnull=False),
            ),
            models.Index(name="payments_paymentlog_in_review", fields=["created_at"], condition=~Q(review_reason="")),
            # Holds all that the dashboard adds up. Only of what has ended: a row is written to it once, by its end.
            models.Index(
                name="payments_paymentlog_ended",
                fields=["created_at"],
                include=[
                    "state",
                    "currency",
                    "credited_amount",
                    "amount_paid_minor",
                    "error_code",
                    "paid_at",
                    "processing_completed_at",
                ],
                condition=Q(state__in=[PaymentState.COMPLETED, PaymentState.FAILED, PaymentState.REFUNDED]),
            ),
            # What the staff look for, the newest first.
            models.Index(name="payments_paymentlog_newest", fields=["-created_at", "-id"]),
            models.Index(Lower("email"), F("created_at").desc(), F("id").desc(), name="payments_paymentlog_of_email"),
            models.Index(name="payments_paymentlog_of_amount", fields=["amount_usd", "-created_at", "-id"]),
            models.Index(name="payments_paymentlog_of_minor", fields=["amount_minor", "-created_at", "-id"]),
            # Completed are most: the newest of them are found without it.
            models.Index(
                name="payments_paymentlog_of_state",
                fields=["state", "-created_at", "-id"],
                condition=~Q(state=PaymentState.COMPLETED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"

    @property
    def is_settled(self) -> bool:
        """Whether the gateway's money was credited, or went back: nothing is left to ask."""
        return self.state in {PaymentState.COMPLETED, PaymentState.REFUNDED}

    def record_birth(self, *, cause: Cause, now: datetime) -> None:
        """Write the first entry of the trail, from nothing to pending."""
        entry = cause.as_entry(from_state=None, to_state=PaymentState.PENDING, reason="initialized", now=now)
        self.state_transitions = [entry]

    @transition(field=state, source=lifecycles.sources_of(PaymentState.PROCESSING), target=PaymentState.PROCESSING)
    def start_processing(self, *, cause: Cause, now: datetime) -> None:
        """Note that the payer can pay now."""
        self._append(PaymentState.PROCESSING, cause=cause, reason="checkout_opened", now=now)
        self.processing_started_at = now

    @transition(field=state, source=lifecycles.sources_of(PaymentState.COMPLETED), target=PaymentState.COMPLETED)
    def complete(
        self, *, evidence: Evidence, credited_amount: Decimal, cause: Cause, now: datetime, reason: str = ""
    ) -> None:
        """Note that the payment was paid and `credited_amount` credited."""
        usual = "late_success" if self.state == PaymentState.FAILED else "paid"
        self._append(PaymentState.COMPLETED, cause=cause, reason=reason or usual, now=now)
        self.note_evidence(evidence)
        self.credited = True
        self.credited_amount = credited_amount
        self.processing_completed_at = now
        self.next_check_at = None
        self.review_reason = ""
        self.error_code = ""
        self.error_message = ""

    @transition(field=state, source=lifecycles.sources_of(PaymentState.FAILED), target=PaymentState.FAILED)
    def fail(self, *, code: str, message: str, cause: Cause, now: datetime) -> None:
        """Note that the attempt failed; a later success is still accepted."""
        self._append(PaymentState.FAILED, cause=cause, reason=code, now=now)
        self.error_code = code
        self.error_message = message[:300]
        self.processing_completed_at = now

    @transition(field=state, source=lifecycles.sources_of(PaymentState.REFUNDED), target=PaymentState.REFUNDED)
    def note_refunded(self, *, cause: Cause, now: datetime) -> None:
        """Note that the whole amount went back."""
        self._append(PaymentState.REFUNDED, cause=cause, reason="refunded", now=now)
        self.next_check_at = None
        self.review_reason = ""

    @property
    def refundable_minor(self) -> int:
        """What may go back in all: not the fees that the payer bore.

        Money that was not credited, or that a person credited as another amount, goes back as it came.
        """
        if self.credited and self.credited_amount == self.credit_amount:
            return self.amount_minor
        return self.amount_paid_minor or 0

    @property
    def received_minor(self) -> int:
        """What may go back at the gateway's own dashboard: there fees that the payer bore may, too."""
        return max(self.refundable_minor, self.amount_paid_minor or 0)

    def note_evidence(self, evidence: Evidence) -> None:
        """Keep what the gateway said about the money, whatever follows from it."""
        self.gateway_transaction_id = evidence.gateway_transaction_id
        self.amount_paid_minor = evidence.amount_minor
        self.gateway_fee_minor = evidence.fees_minor
        self.payment_method = evidence.channel[:50]
        self.paid_at = evidence.paid_at

    def put_under_review(self, reason: ReviewReason) -> None:
        """Ask for a person's decision; the state stays."""
        self.review_reason = reason

    def _append(self, to_state: PaymentState, *, cause: Cause, reason: str, now: datetime) -> None:
        entry = cause.as_entry(from_state=self.state, to_state=to_state, reason=reason, now=now)
        self.state_transitions = [*self.state_transitions, entry]

"""The inbox of webhook events, which is the dead-letter queue too."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.models.payment import PaymentLog


class WebhookEvent(models.Model):
    """One signed delivery of Paystack, kept exactly as received, and what became of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=20, default="paystack")
    event_type = models.CharField(max_length=64, blank=True)
    object_id = models.BigIntegerField(default=0)
    reference = models.CharField(max_length=100, blank=True)
    body = models.BinaryField()
    body_sha256 = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()
    deliveries = models.PositiveIntegerField(default=1)
    last_delivered_at = models.DateTimeField()
    status = models.CharField(max_length=20, choices=EventStatus.choices)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error_class = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=500, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    payment = models.ForeignKey(
        PaymentLog, on_delete=models.PROTECT, null=True, blank=True, related_name="webhook_events", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "webhook_events"
        permissions = [("replay_event", "Can replay an event"), ("dismiss_event", "Can give up a dead letter")]
        constraints = [
            models.UniqueConstraint(
                name="payments_webhookevent_stored_once", fields=["object_id", "event_type", "body_sha256"]
            ),
            models.CheckConstraint(
                name="payments_webhookevent_status_known", condition=Q(status__in=EventStatus.values)
            ),
            models.CheckConstraint(
                name="payments_webhookevent_due_has_time",
                condition=~Q(status__in=DUE_STATUSES) | Q(next_attempt_at__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_webhookevent_processed_has_time",
                condition=~Q(status=EventStatus.PROCESSED) | Q(processed_at__isnull=False),
            ),
            models.CheckConstraint(name="payments_webhookevent_deliveries_positive", condition=Q(deliveries__gte=1)),
        ]
        indexes = [
            models.Index(
                name="payments_webhookevent_due", fields=["next_attempt_at"], condition=Q(status__in=DUE_STATUSES)
            ),
            models.Index(name="payments_webhookevent_of_pay", fields=["payment"], condition=Q(payment__isnull=False)),
            models.Index(name="payments_webhookevent_of_ref", fields=["reference"], condition=~Q(reference="")),
            models.Index(
                name="payments_webhookevent_trouble",
                fields=["received_at"],
                condition=Q(status__in=[EventStatus.DEAD, EventStatus.QUARANTINED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type or 'unreadable'} {self.reference} ({self.status})"


class WebhookAttempt(models.Model):
    """One attempt at an event that did not pass clean the first time, or was asked for by a person."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(WebhookEvent, on_delete=models.PROTECT, related_name="attempt_log")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    outcome = models.CharField(max_length=20)
    error_class = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=500, blank=True)
    trigger = models.CharField(max_length=20)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "webhook_attempts"
        constraints = [
            models.CheckConstraint(
                name="payments_webhookattempt_ends_after_start",
                condition=Q(finished_at__gte=models.F("started_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"

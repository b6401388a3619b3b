"""What was asked of the gateway, and what it said."""

from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id
from payments.models.payment import PaymentLog


class GatewayOutcome(models.TextChoices):
    """How a call ended; `open` until then, and for ever if the process died during it."""

    OPEN = "open"
    ANSWERED = "answered"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


class GatewayCall(models.Model):
    """One call, committed before it is made and completed once after it: the proof of what was sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(
        PaymentLog, on_delete=models.PROTECT, null=True, blank=True, related_name="gateway_calls"
    )
    operation = models.CharField(max_length=30)
    reference = models.CharField(max_length=100, blank=True)
    request = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20, choices=GatewayOutcome.choices, default=GatewayOutcome.OPEN)
    error_code = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=500, blank=True)
    answer = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        db_table = "gateway_calls"
        constraints = [
            models.CheckConstraint(
                name="payments_gatewaycall_outcome_known", condition=Q(outcome__in=GatewayOutcome.values)
            ),
            models.CheckConstraint(
                name="payments_gatewaycall_finished_has_outcome",
                condition=Q(outcome=GatewayOutcome.OPEN, finished_at__isnull=True)
                | (~Q(outcome=GatewayOutcome.OPEN) & Q(finished_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.reference} ({self.outcome})"

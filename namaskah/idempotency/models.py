"""Idempotency keys."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id

ROUTE_LENGTH = 200


class RecoveryPoint(models.TextChoices):
    """How far the request came: where the next one with the same key goes on."""

    STARTED = "started"
    PAYMENT_CREATED = "payment_created"
    GATEWAY_CALLED = "gateway_called"
    ENTRY_POSTED = "entry_posted"
    REFUND_CREATED = "refund_created"
    FINISHED = "finished"


class IdempotencyKey(models.Model):
    """One user's key, what it was first used for, and the answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.UUIDField()
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=ROUTE_LENGTH)
    fingerprint = models.CharField(max_length=64)
    field_digests = models.JSONField(default=dict)
    recovery_point = models.CharField(max_length=20, choices=RecoveryPoint.choices, default=RecoveryPoint.STARTED)
    owner_token = models.UUIDField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_content_type = models.CharField(max_length=100, blank=True)
    response_body = models.BinaryField(null=True, blank=True)
    resource = models.CharField(max_length=100, blank=True)
    replays = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "idempotency_keys"
        constraints = [
            models.UniqueConstraint(name="idempotency_idempotencykey_once", fields=["user", "key"]),
            models.CheckConstraint(
                name="idempotency_idempotencykey_point_known", condition=Q(recovery_point__in=RecoveryPoint.values)
            ),
            models.CheckConstraint(
                name="idempotency_idempotencykey_finished_has_answer",
                condition=Q(recovery_point=RecoveryPoint.FINISHED, response_status__isnull=False)
                | (~Q(recovery_point=RecoveryPoint.FINISHED) & Q(response_status__isnull=True)),
            ),
            models.CheckConstraint(
                name="idempotency_idempotencykey_owner_has_lease",
                condition=Q(owner_token__isnull=True, locked_at__isnull=True)
                | Q(owner_token__isnull=False, locked_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="idempotency_key_purgeable",
                fields=["expires_at"],
                condition=Q(response_body__isnull=False) | Q(recovery_point=RecoveryPoint.STARTED),
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.recovery_point})"

    def is_held(self, *, now: datetime) -> bool:
        """Whether a request with this key is running, as far as its lease says."""
        lease = timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS)
        return self.locked_at is not None and self.locked_at >= now - lease

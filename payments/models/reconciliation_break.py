"""Differences between the gateway's books and ours."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id
from payments.lifecycles import BreakKind, BreakState
from payments.models.payment import PaymentLog


class ReconciliationBreak(models.Model):
    """One difference, from the run that found it first until a run no longer finds it, or a person dismisses it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=BreakKind.choices)
    # What the two books differ about: the reference of a payment, or the gateway's refund.
    subject = models.CharField(max_length=100)
    payment = models.ForeignKey(
        PaymentLog, on_delete=models.PROTECT, null=True, blank=True, related_name="breaks", db_index=False
    )
    ours = models.CharField(max_length=200)
    theirs = models.CharField(max_length=200)
    state = models.CharField(max_length=20, choices=BreakState.choices, default=BreakState.OPEN)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    dismissal_note = models.CharField(max_length=300, blank=True)
    # Who works on it, or did when it was closed.
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "reconciliation_breaks"
        permissions = [("dismiss_break", "Can dismiss a break")]
        constraints = [
            models.UniqueConstraint(
                name="payments_break_open_once", fields=["kind", "subject"], condition=Q(state=BreakState.OPEN)
            ),
            models.CheckConstraint(name="payments_break_kind_known", condition=Q(kind__in=BreakKind.values)),
            models.CheckConstraint(name="payments_break_state_known", condition=Q(state__in=BreakState.values)),
            models.CheckConstraint(
                name="payments_break_closed_has_time",
                condition=Q(state=BreakState.OPEN, closed_at__isnull=True)
                | (~Q(state=BreakState.OPEN) & Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="payments_break_dismissed_says_who_and_why",
                condition=(Q(state=BreakState.DISMISSED, dismissed_by__isnull=False) & ~Q(dismissal_note=""))
                | (~Q(state=BreakState.DISMISSED) & Q(dismissed_by__isnull=True, dismissal_note="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} ({self.state})"

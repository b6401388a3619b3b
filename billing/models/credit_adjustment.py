"""Credits that a person gives or takes by hand."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.lifecycles import AdjustmentReason, AdjustmentState
from billing.models.transaction import Transaction
from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class CreditAdjustment(models.Model):
    """A manual credit (`amount` > 0) or debit (< 0) of a user: who asked, why, who agreed, and its ledger entry."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjustments")
    reference = models.CharField(max_length=40, unique=True)
    idempotency_key = models.UUIDField()
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    reason_code = models.CharField(max_length=20, choices=AdjustmentReason.choices)
    note = models.CharField(max_length=300)
    ticket = models.CharField(max_length=100)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    needs_approval = models.BooleanField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_comment = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=20, choices=AdjustmentState.choices)
    ledger_entry = models.OneToOneField(
        Transaction, on_delete=models.PROTECT, null=True, blank=True, related_name="adjustment"
    )
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "credit_adjustments"
        permissions = [
            ("request_adjustment", "Can ask for a manual credit or debit"),
            ("approve_adjustment", "Can approve or reject a manual credit or debit of another person"),
        ]
        constraints = [
            models.UniqueConstraint(name="billing_adjustment_key_once", fields=["requested_by", "idempotency_key"]),
            models.CheckConstraint(
                name="billing_adjustment_amount_in_limits",
                condition=Q(amount__gt=-CREDIT_LIMIT, amount__lt=CREDIT_LIMIT) & ~Q(amount=0),
            ),
            models.CheckConstraint(
                name="billing_adjustment_state_known", condition=Q(state__in=AdjustmentState.values)
            ),
            models.CheckConstraint(
                name="billing_adjustment_reason_known", condition=Q(reason_code__in=AdjustmentReason.values)
            ),
            models.CheckConstraint(name="billing_adjustment_says_why", condition=~Q(note="") & ~Q(ticket="")),
            models.CheckConstraint(
                name="billing_adjustment_reference_form", condition=Q(reference__regex=r"^adj-[0-9a-z]{36}$")
            ),
            models.CheckConstraint(
                name="billing_adjustment_two_persons",
                condition=Q(decided_by__isnull=True) | ~Q(requested_by=F("decided_by")),
            ),
            models.CheckConstraint(
                name="billing_adjustment_of_another_person",
                condition=~Q(requested_by=F("user")) & (Q(decided_by__isnull=True) | ~Q(decided_by=F("user"))),
            ),
            models.CheckConstraint(
                name="billing_adjustment_waits_for_decision",
                condition=Q(needs_approval=False)
                | Q(state=AdjustmentState.AWAITING_APPROVAL)
                | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="billing_adjustment_decision_has_time",
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="billing_adjustment_posted_has_entry",
                condition=Q(state=AdjustmentState.POSTED, ledger_entry__isnull=False)
                | (~Q(state=AdjustmentState.POSTED) & Q(ledger_entry__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(
                name="billing_adjustment_waiting",
                fields=["created_at"],
                condition=Q(state=AdjustmentState.AWAITING_APPROVAL),
            ),
            models.Index(name="billing_adjustment_of_person", fields=["requested_by", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for user {self.user_id} ({self.state})"

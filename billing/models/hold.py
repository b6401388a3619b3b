"""Credits that are still in the wallet and may not be spent."""

from django.db import models
from django.db.models import Q

from billing.lifecycles import HoldReason, HoldState
from billing.models.wallet import Wallet
from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class Hold(models.Model):
    """Credits set aside for a decision; a wallet's `held` is the sum of its open holds."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="holds", db_index=False)
    reason = models.CharField(max_length=20, choices=HoldReason.choices)
    # What is decided: the reference of a refund, or the gateway's dispute.
    reference = models.CharField(max_length=64, unique=True)
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    state = models.CharField(max_length=20, choices=HoldState.choices, default=HoldState.HELD)
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "holds"
        constraints = [
            models.CheckConstraint(
                name="billing_hold_amount_positive", condition=Q(amount__gt=0, amount__lt=CREDIT_LIMIT)
            ),
            models.CheckConstraint(name="billing_hold_state_known", condition=Q(state__in=HoldState.values)),
            models.CheckConstraint(name="billing_hold_reason_known", condition=Q(reason__in=HoldReason.values)),
            models.CheckConstraint(
                name="billing_hold_decided_has_time",
                condition=Q(state=HoldState.HELD, decided_at__isnull=True)
                | (~Q(state=HoldState.HELD) & Q(decided_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="billing_hold_of_wallet", fields=["wallet"])]

    def __str__(self) -> str:
        return f"{self.amount} {self.state} for {self.reason} {self.reference}"

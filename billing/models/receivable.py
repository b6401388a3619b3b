"""What users owe."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.lifecycles import ReceivableReason
from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class Receivable(models.Model):
    """Credits that had to be taken when the wallet no longer held them; collected as they come free, or cancelled."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="receivables")
    payment_log = models.ForeignKey("payments.PaymentLog", on_delete=models.PROTECT, related_name="receivables")
    reason = models.CharField(max_length=30, choices=ReceivableReason.choices)
    # The refund or the gateway's dispute that the wallet could not cover.
    reference = models.CharField(max_length=64, unique=True)
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    collected_amount = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "receivables"
        constraints = [
            models.CheckConstraint(
                name="billing_receivable_amount_positive", condition=Q(amount__gt=0, amount__lt=CREDIT_LIMIT)
            ),
            models.CheckConstraint(
                name="billing_receivable_collected_within_amount",
                condition=Q(collected_amount__gte=0, collected_amount__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="billing_receivable_reason_known", condition=Q(reason__in=ReceivableReason.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of user {self.user_id} ({self.reason})"

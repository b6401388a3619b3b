"""What users owe."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.lifecycles import ReceivableReason
from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class Receivable(models.Model):
    """Credits that had to be taken when the wallet no longer held them; it may be cancelled, once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="receivables")
    payment_log = models.ForeignKey("payments.PaymentLog", on_delete=models.PROTECT, related_name="receivables")
    reason = models.CharField(max_length=30, choices=ReceivableReason.choices)
    # The refund or the gateway's dispute that the wallet could not cover.
    reference = models.CharField(max_length=64, unique=True)
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "receivables"
        constraints = [
            models.CheckConstraint(
                name="billing_receivable_amount_positive", condition=Q(amount__gt=0, amount__lt=CREDIT_LIMIT)
            ),
            models.CheckConstraint(
                name="billing_receivable_reason_known", condition=Q(reason__in=ReceivableReason.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of user {self.user_id} ({self.reason})"

"""What a dollar costs in the currencies of the gateway."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id
from namaskah.money import RATE_LIMIT


class ExchangeRate(models.Model):
    """Units of `currency` per US dollar from `valid_from` on; append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    currency = models.CharField(max_length=3)
    units_per_usd = models.DecimalField(max_digits=18, decimal_places=6)
    valid_from = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "exchange_rates"
        permissions = [("set_exchange_rate", "Can set what a dollar costs from now on")]
        constraints = [
            models.CheckConstraint(
                name="billing_exchangerate_positive", condition=Q(units_per_usd__gt=0, units_per_usd__lt=RATE_LIMIT)
            ),
            models.CheckConstraint(
                name="billing_exchangerate_currency_form", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
        ]
        indexes = [
            models.Index(name="billing_exchangerate_newest", fields=["currency", "-valid_from", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.units_per_usd} {self.currency} per USD"

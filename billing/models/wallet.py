"""The wallet: what a customer has."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class Wallet(models.Model):
    """A customer's credits. `balance` and `sequence` are those of the newest ledger entry."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="wallet")
    balance = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    held = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    sequence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "wallets"
        constraints = [
            models.CheckConstraint(
                name="billing_wallet_held_within_balance", condition=Q(held__gte=0, held__lte=F("balance"))
            ),
            models.CheckConstraint(name="billing_wallet_balance_is_number", condition=Q(balance__lt=CREDIT_LIMIT)),
            models.CheckConstraint(name="billing_wallet_sequence_from_zero", condition=Q(sequence__gte=0)),
        ]

    def __str__(self) -> str:
        return f"wallet of user {self.user_id}"

    @property
    def available(self) -> Decimal:
        """What can be spent: the balance less what is held."""
        return self.balance - self.held

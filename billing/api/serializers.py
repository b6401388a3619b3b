"""Bodies of the billing API."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.lifecycles import TransactionType
from billing.models import Transaction, Wallet
from namaskah.api.fields import CreditsField
from namaskah.api.query import CreatedQuery


class BalanceOutput:
    """What the caller has; a user without a wallet has nothing, which is an answer too."""

    def __init__(self, wallet: Wallet | None) -> None:
        amount = CreditsField().to_representation
        self.data: dict[str, Any] = {
            "balance": amount(wallet.balance if wallet else Decimal(0)),
            "held": amount(wallet.held if wallet else Decimal(0)),
            "available": amount(wallet.available if wallet else Decimal(0)),
            "currency": "USD",
            "updated_at": wallet.updated_at if wallet else None,
        }


class TransactionQuery(CreatedQuery):
    """What the ledger may be narrowed to."""

    type = serializers.ChoiceField(choices=TransactionType.choices, required=False, source="entry_type")
    reference = serializers.CharField(max_length=64, required=False)


class TransactionOutput(serializers.ModelSerializer[Transaction]):
    """One ledger entry."""

    amount = CreditsField()
    balance_after = CreditsField()
    payment_reference = serializers.CharField(source="payment_log.reference", default=None)
    status = serializers.SerializerMethodField()

    class Meta:
        model = Transaction
        fields = (
            "id",
            "type",
            "amount",
            "balance_after",
            "reference",
            "description",
            "service",
            "payment_reference",
            "status",
            "created_at",
        )

    def get_status(self, _entry: Transaction) -> str:
        """Return whether the entry still stands: no entry can be reversed yet."""
        return "completed"

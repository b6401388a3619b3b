"""Bodies of the billing API."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.core.validators import RegexValidator
from rest_framework import serializers

from billing.lifecycles import TransactionType
from billing.models import Transaction, Wallet
from billing.selectors.debits import REFERENCE_FORM
from billing.selectors.summaries import Summary
from billing.services.debits import Debit
from namaskah.api.fields import AmountField, CreditsField, DigitsField, TextField, WholeNumberField
from namaskah.api.query import CreatedQuery
from namaskah.api.serializers import StrictSerializer

_SMALLEST_DEBIT: Final = Decimal("0.0001")
_LARGEST_DEBIT: Final = Decimal("1000000.0000")
# Users have 32-bit ids.
_USER_ID_MAX: Final = 2**31 - 1


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
    reference = TextField(max_length=64, required=False)


class SummaryQuery(StrictSerializer):
    """The period to add up."""

    days = DigitsField(min_value=1, max_value=366, default=30)


class SummaryOutput:
    """The totals of a period; `spent`, `refunded` are what left the wallet, as positive numbers."""

    def __init__(self, summary: Summary, *, days: int, after: datetime, before: datetime) -> None:
        amount = CreditsField().to_representation
        totals = summary.totals
        self.data: dict[str, Any] = {
            "days": days,
            "from": after,
            "to": before,
            "credited": amount(totals[TransactionType.CREDIT]),
            "spent": amount(-totals[TransactionType.DEBIT]),
            "refunded": amount(-totals[TransactionType.REFUND]),
            "reversed": amount(totals[TransactionType.REVERSAL]),
            "adjusted": amount(totals[TransactionType.ADJUSTMENT]),
            "count": {str(kind.value): number for kind, number in summary.counts.items()},
        }


class DebitInput(StrictSerializer):
    """Credits that a service account takes from a user's wallet."""

    user_id = WholeNumberField(min_value=1, max_value=_USER_ID_MAX)
    amount = AmountField(max_places=4, min_value=_SMALLEST_DEBIT, max_value=_LARGEST_DEBIT)
    reference = TextField(max_length=64, validators=[RegexValidator(rf"^{REFERENCE_FORM}\Z")])
    service = TextField(max_length=100)
    description = TextField(max_length=300, required=False, allow_blank=True)

    def to_debit(self) -> Debit:
        """Return the validated body as the service takes it."""
        return Debit(**self.validated_data)


class ReversalInput(StrictSerializer):
    """Credits to give back: all that is left of the debit, unless an amount is named."""

    amount = AmountField(max_places=4, min_value=_SMALLEST_DEBIT, max_value=_LARGEST_DEBIT, required=False)
    reason = TextField(max_length=300)


class TransactionOutput(serializers.ModelSerializer[Transaction]):
    """One ledger entry."""

    amount = CreditsField()
    balance_after = CreditsField()
    payment_reference = serializers.CharField(source="payment_log.reference", default=None)
    reverses = serializers.CharField(source="reverses.reference", default=None)
    status = serializers.SerializerMethodField()

    class Meta:
        model = Transaction
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "type",
            "amount",
            "balance_after",
            "reference",
            "description",
            "service",
            "payment_reference",
            "reverses",
            "status",
            "created_at",
        )

    def get_status(self, entry: Transaction) -> str:
        """Return whether a debit still stands; entries just posted were not reversed yet."""
        given_back = getattr(entry, "reversed_amount", Decimal(0))
        if not given_back:
            return "completed"
        return "reversed" if given_back == -entry.amount else "partly_reversed"


class PostedOutput(TransactionOutput):
    """A ledger entry as the service account that posted it sees it."""

    user_id = serializers.IntegerField(read_only=True)

    class Meta(TransactionOutput.Meta):
        fields = (*TransactionOutput.Meta.fields, "user_id")

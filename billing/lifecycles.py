"""The kinds of ledger entries, the other side of each, and what may become of holds and adjustments."""

from typing import Final

from django.db import models


class TransactionType(models.TextChoices):
    """What a ledger entry is."""

    CREDIT = "credit"
    DEBIT = "debit"
    REFUND = "refund"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"


class CounterAccount(models.TextChoices):
    """The other side of an entry: where the credits come from, or go to."""

    GATEWAY_PAYSTACK = "gateway:paystack"
    REVENUE_SMS = "revenue:sms"
    ADJUSTMENT_GOODWILL = "adjustment:goodwill"
    ADJUSTMENT_CORRECTION = "adjustment:correction"
    RECEIVABLE_COLLECTED = "receivable:collected"


class HoldReason(models.TextChoices):
    """Why credits are held."""

    REFUND = "refund"
    DISPUTE = "dispute"


class HoldState(models.TextChoices):
    """What became of held credits."""

    HELD = "held"
    TAKEN = "taken"
    RELEASED = "released"


class ReceivableReason(models.TextChoices):
    """Why a user owes credits."""

    DISPUTE_LOST = "dispute_lost"
    REFUNDED_ELSEWHERE = "refunded_elsewhere"


class AdjustmentReason(models.TextChoices):
    """Why a person moves credits by hand."""

    GOODWILL = "goodwill"
    CORRECTION = "correction"


class AdjustmentState(models.TextChoices):
    """Whether an adjustment is in the ledger."""

    AWAITING_APPROVAL = "awaiting_approval"
    POSTED = "posted"
    REJECTED = "rejected"


ACCOUNT_OF_ADJUSTMENT: Final = {
    AdjustmentReason.GOODWILL: CounterAccount.ADJUSTMENT_GOODWILL,
    AdjustmentReason.CORRECTION: CounterAccount.ADJUSTMENT_CORRECTION,
}

"""The kinds of ledger entries and the other side of each."""

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

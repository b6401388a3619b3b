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

"""Reads about the credits of one payment."""

from decimal import Decimal
from uuid import UUID

from django.db.models import F, Sum

from billing.lifecycles import TransactionType
from billing.models import Receivable, Transaction


def sum_taken_back(payment_log_id: UUID) -> Decimal:
    """Return how much of a payment's credits was taken back, or is owed because the wallet did not hold it."""
    # Without the credit itself, which another index finds: together they would be searched in the whole ledger.
    entries = Transaction.objects.filter(payment_log_id=payment_log_id).exclude(type=TransactionType.CREDIT)
    owed = Receivable.objects.filter(payment_log_id=payment_log_id, cancelled_at__isnull=True)
    moved = entries.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    # What was collected of it is among the entries.
    open_debt = owed.aggregate(total=Sum(F("amount") - F("collected_amount")))["total"]
    return (open_debt or Decimal(0)) - moved

"""Ledger entries, found through the indexes that there are."""

from uuid import UUID

from django.db.models import Q, QuerySet

from billing.lifecycles import TransactionType
from billing.models import Transaction


def list_entries_of_payment(payment_id: UUID) -> QuerySet[Transaction]:
    """Return what was posted for a payment, in the order of posting.

    Credits are in a unique index, all others in an index beside it: asked for together, the whole ledger would be read.
    """
    of_payment = Q(payment_log_id=payment_id)
    is_credit = Q(type=TransactionType.CREDIT)
    return Transaction.objects.filter((of_payment & is_credit) | (of_payment & ~is_credit)).order_by("sequence")

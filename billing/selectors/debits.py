"""Reads of debits and their reversals; whoever made a debit may see and reverse it."""

import re
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Sum

from billing.lifecycles import TransactionType
from billing.models import Transaction
from namaskah.errors import NotFoundError

REFERENCE_FORM: Final = r"[A-Za-z0-9._-]{1,64}"
_REFERENCE: Final = re.compile(REFERENCE_FORM, re.ASCII)


class DebitNotFoundError(NotFoundError):
    """There is no debit with this reference, or somebody else made it."""


def get_debit(*, by: User, reference: str) -> Transaction:
    """Return the debit that `by` made.

    :raises DebitNotFoundError: if there is none, or another account made it.
    """
    # What no debit can be called is not asked for: it may hold bytes that Postgres cannot store.
    is_possible = _REFERENCE.fullmatch(reference) is not None
    made = Transaction.objects.filter(type=TransactionType.DEBIT, created_by=by, reference=reference)
    debit = made.first() if is_possible else None
    if debit is None:
        raise DebitNotFoundError("You have made no debit with this reference.")
    return debit


def find_entry_of_key(*, by: User, idempotency_key: UUID) -> Transaction | None:
    """Return what `by` posted under this key."""
    return Transaction.objects.filter(created_by=by, idempotency_key=idempotency_key).first()


def find_entry(reference: str) -> Transaction | None:
    """Return the ledger entry with this reference, whoever made it: references are used once over all accounts."""
    return Transaction.objects.filter(reference=reference).first()


def sum_reversals(debit: Transaction) -> Decimal:
    """Return what was given back of `debit` so far."""
    total: Decimal | None = Transaction.objects.filter(reverses=debit).aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)

"""Reads of wallets and ledger; every one starts from the user who asks."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Transaction, Wallet
from namaskah.errors import NotFoundError

_CREDITS: Final[DecimalField[Decimal, Decimal]] = DecimalField(max_digits=18, decimal_places=4)


class WalletNotFoundError(NotFoundError):
    """There is no such wallet."""


def get_wallet(wallet_id: UUID) -> Wallet:
    """Return a wallet with its user.

    :raises WalletNotFoundError: if there is none.
    """
    wallet = Wallet.objects.select_related("user").filter(pk=wallet_id).first()
    if wallet is None:
        raise WalletNotFoundError("There is no such wallet.")
    return wallet


def find_wallet(*, user: User) -> Wallet | None:
    """Return the user's wallet, or None if nothing was ever credited."""
    return Wallet.objects.filter(user=user).first()


def get_or_imagine_wallet(*, user_id: int) -> Wallet:
    """Return the user's wallet, or the empty one, not stored, that the first credits would make.

    :raises WalletNotFoundError: if there is no such user.
    """
    user = User.objects.select_related("wallet").filter(pk=user_id).first()
    if user is None:
        raise WalletNotFoundError("There is no such account.")
    return getattr(user, "wallet", None) or Wallet(user=user)


def list_transactions(
    *,
    user: User,
    entry_type: str | None = None,
    reference: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> QuerySet[Transaction]:
    """Return the user's ledger entries, unordered; `created_after` is inclusive, `created_before` is not."""
    wanted = {
        # By the wallet's id, so that the index of a wallet's entries serves the order too.
        "wallet_id": Subquery(Wallet.objects.filter(user=user).values("pk")),
        "type": entry_type,
        "reference": reference,
        "created_at__gte": created_after,
        "created_at__lt": created_before,
    }
    return Transaction.objects.filter(**{name: value for name, value in wanted.items() if value is not None})


def with_reversed(entries: QuerySet[Transaction]) -> QuerySet[Transaction]:
    """Add to each entry what was given back of it, as `reversed_amount`."""
    given = Transaction.objects.filter(reverses=OuterRef("pk")).order_by().values("reverses")
    total = Subquery(given.annotate(total=Sum("amount")).values("total"))
    return entries.annotate(reversed_amount=Coalesce(total, Decimal(0), output_field=_CREDITS))


def get_balance(*, user: User) -> Decimal:
    """Return the user's balance in credits; zero without a wallet."""
    wallet = find_wallet(user=user)
    return wallet.balance if wallet else Decimal(0)

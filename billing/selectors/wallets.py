"""Reads of wallets and ledger; every one starts from the user who asks."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import QuerySet

from billing.models import Transaction, Wallet


def find_wallet(*, user: User) -> Wallet | None:
    """Return the user's wallet, or None if nothing was ever credited."""
    return Wallet.objects.filter(user=user).first()


def list_transactions(*, user: User) -> QuerySet[Transaction]:
    """Return the user's ledger entries, unordered."""
    return Transaction.objects.filter(wallet__user=user)


def get_balance(*, user: User) -> Decimal:
    """Return the user's balance in credits; zero without a wallet."""
    wallet = find_wallet(user=user)
    return wallet.balance if wallet else Decimal(0)

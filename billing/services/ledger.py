"""Posting to the ledger: the only place where a wallet's balance changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from billing.lifecycles import TransactionType
from billing.models import Transaction, Wallet
from namaskah.errors import PaymentRequiredError
from namaskah.identifiers import new_id
from namaskah.money import format_credits


class InsufficientCreditsError(PaymentRequiredError):
    """The wallet's available credits do not cover the entry."""

    code = "insufficient_credits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A ledger entry to be posted; `amount` is signed, in credits."""

    user_id: int
    type: TransactionType
    amount: Decimal
    counter_account: str
    reference: str
    idempotency_key: UUID
    payment_log_id: UUID | None = None
    reverses_id: UUID | None = None
    service: str = ""
    description: str = ""
    created_by_id: int | None = None
    request_id: str = ""


def post_entries(entries: Sequence[Entry], *, now: datetime) -> list[Transaction]:
    """Post `entries` in order and move their wallets; the caller holds the database transaction.

    Wallets are made where there is none, locked in ascending order of their primary key, and read
    again after the lock. All entries go in with one INSERT, all wallets move with one UPDATE.

    :raises InsufficientCreditsError: if an entry would take more than is available. Held credits are not.
    """
    if not entries:
        return []
    wallets = lock_wallets((entry.user_id for entry in entries), now=now)
    rows = [_append(wallets[entry.user_id], entry, now=now) for entry in entries]
    Transaction.objects.bulk_create(rows)
    _write_wallets(wallets.values(), now=now)
    return rows


def lock_wallets(user_ids: Iterable[int], *, now: datetime) -> dict[int, Wallet]:
    """Lock the users' wallets until the caller's transaction ends, and return them by user id."""
    wanted = sorted(set(user_ids))
    _make_missing_wallets(wanted, now=now)
    locked = Wallet.objects.select_for_update(no_key=True).filter(user_id__in=wanted).order_by("pk")
    keys = list(locked.values_list("pk", flat=True))
    return {wallet.user_id: wallet for wallet in Wallet.objects.filter(pk__in=keys)}


def _make_missing_wallets(user_ids: Sequence[int], *, now: datetime) -> None:
    known = set(Wallet.objects.filter(user_id__in=user_ids).values_list("user_id", flat=True))
    missing = [
        Wallet(id=new_id(), user_id=user_id, created_at=now, updated_at=now)
        for user_id in user_ids
        if user_id not in known
    ]
    if missing:
        Wallet.objects.bulk_create(missing, ignore_conflicts=True)


def _append(wallet: Wallet, entry: Entry, *, now: datetime) -> Transaction:
    if entry.amount < 0 and -entry.amount > wallet.available:
        missing = -entry.amount - wallet.available
        raise InsufficientCreditsError(
            f"The wallet has {format_credits(wallet.available)} available, {format_credits(missing)} too little."
        )
    wallet.sequence += 1
    wallet.balance += entry.amount
    return Transaction(
        wallet_id=wallet.pk,
        user_id=entry.user_id,
        sequence=wallet.sequence,
        type=entry.type,
        amount=entry.amount,
        balance_after=wallet.balance,
        counter_account=entry.counter_account,
        reference=entry.reference,
        idempotency_key=entry.idempotency_key,
        payment_log_id=entry.payment_log_id,
        reverses_id=entry.reverses_id,
        service=entry.service,
        description=entry.description,
        created_by_id=entry.created_by_id,
        request_id=entry.request_id,
        created_at=now,
    )


def _write_wallets(wallets: Iterable[Wallet], *, now: datetime) -> None:
    moved = list(wallets)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE wallets AS kept SET balance = moved.balance, sequence = moved.sequence, updated_at = %s "
            "FROM unnest(%s::uuid[], %s::numeric[], %s::bigint[]) AS moved(id, balance, sequence) "
            "WHERE kept.id = moved.id",
            [
                now,
                [wallet.pk for wallet in moved],
                [wallet.balance for wallet in moved],
                [wallet.sequence for wallet in moved],
            ],
        )

"""Setting credits aside, and deciding about them. The caller holds the database transaction.

Whoever decides has locked the row that the hold stands for (the refund, the dispute) before.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.lifecycles import HoldReason, HoldState
from billing.models import Hold, Transaction, Wallet
from billing.services import ledger
from billing.services.ledger import Entry, InsufficientCreditsError
from namaskah.errors import ConcurrentUpdateError
from namaskah.money import format_credits


def place_hold(*, user_id: int, amount: Decimal, reason: HoldReason, reference: str, now: datetime) -> Hold:
    """Hold `amount` of the user's available credits.

    :raises InsufficientCreditsError: if less is available.
    """
    wallet = ledger.lock_wallets([user_id], now=now)[user_id]
    if amount > wallet.available:
        raise InsufficientCreditsError(
            f"The wallet has {format_credits(wallet.available)} available; {format_credits(amount)} are needed."
        )
    return _place(wallet, amount, reason=reason, reference=reference, now=now)


def place_hold_up_to(
    *, user_id: int, amount: Decimal, reason: HoldReason, reference: str, now: datetime
) -> Hold | None:
    """Hold `amount`, or as much of it as is available; None if nothing is."""
    wallet = ledger.lock_wallets([user_id], now=now)[user_id]
    there = min(amount, wallet.available)
    return _place(wallet, there, reason=reason, reference=reference, now=now) if there > 0 else None


def take_hold(hold_id: UUID, entry: Entry, *, now: datetime, amount: Decimal | None = None) -> Transaction:
    """Take held credits out of the wallet; with `amount` so many, be it less or more than was held.

    `entry` tells the ledger, but for how much.

    :raises ConcurrentUpdateError: if the hold was decided before.
    :raises InsufficientCreditsError: if `amount` is more than what was held and what is available besides.
    """
    hold = _decide(hold_id, HoldState.TAKEN, user_id=entry.user_id, now=now)
    return ledger.post_entries([replace(entry, amount=-(hold.amount if amount is None else amount))], now=now)[0]


def release_hold(hold_id: UUID, *, user_id: int, now: datetime) -> None:
    """Give held credits back to what can be spent.

    :raises ConcurrentUpdateError: if the hold was decided before.
    """
    _decide(hold_id, HoldState.RELEASED, user_id=user_id, now=now)


def _place(wallet: Wallet, amount: Decimal, *, reason: HoldReason, reference: str, now: datetime) -> Hold:
    hold = Hold.objects.create(wallet=wallet, reason=reason, reference=reference, amount=amount, created_at=now)
    Wallet.objects.filter(pk=wallet.pk).update(held=wallet.held + amount, updated_at=now)
    return hold


def _decide(hold_id: UUID, state: HoldState, *, user_id: int, now: datetime) -> Hold:
    wallet = ledger.lock_wallets([user_id], now=now)[user_id]
    # Under the wallet's lock nobody else decides about its holds.
    hold = Hold.objects.get(pk=hold_id, wallet=wallet)
    if hold.state != HoldState.HELD:
        raise ConcurrentUpdateError(f"The hold for {hold.reference} was {hold.state} before.")
    Hold.objects.filter(pk=hold.pk).update(state=state, decided_at=now)
    Wallet.objects.filter(pk=wallet.pk).update(held=wallet.held - hold.amount, updated_at=now)
    return hold

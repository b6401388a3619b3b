"""Taking credits for a service that was used, and giving them back for one that was not served."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError

from billing.lifecycles import CounterAccount, TransactionType
from billing.models import Transaction
from billing.selectors import debits
from billing.services import ledger
from billing.services.ledger import Entry
from namaskah.errors import ConflictError, NotFoundError, RuleViolationError
from namaskah.idempotency.claims import KeyClaim
from namaskah.idempotency.models import RecoveryPoint
from namaskah.identifiers import RESERVED_PREFIXES, REVERSAL_PREFIX, new_reference
from namaskah.money import format_credits
from namaskah.transactions import run_transaction

_REFERENCE_ONCE: Final = "sms_transactions_reference_key"


class UserNotFoundError(NotFoundError):
    """There is no user with this id."""

    code = "user_not_found"


class ReferenceUsedError(ConflictError):
    """Another ledger entry has this reference."""

    code = "reference_used"


class ReferenceReservedError(RuleViolationError):
    """The reference begins like one of ours."""

    code = "reference_reserved"


class ReversalExceedsDebitError(RuleViolationError):
    """More would be given back than was taken."""

    code = "reversal_exceeds_debit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """Credits to take: `amount` is positive, `reference` the caller's own."""

    user_id: int
    amount: Decimal
    reference: str
    service: str
    description: str = ""


def debit_wallet(*, debit: Debit, by: User, claim: KeyClaim, request_id: str, now: datetime) -> Transaction:
    """Take credits from a user's wallet, once per key; return the ledger entry.

    :raises ReferenceReservedError: if the reference begins with one of RESERVED_PREFIXES.
    :raises UserNotFoundError: if there is no such user.
    :raises ReferenceUsedError: if the reference stands on another ledger entry.
    :raises InsufficientCreditsError: if less is available; held credits are not.
    :raises RequestInProgressError: if another request has taken the key over; nothing was taken.
    """
    if debit.reference.startswith(RESERVED_PREFIXES):
        raise ReferenceReservedError(f"References that begin with {', '.join(RESERVED_PREFIXES)} are ours.")
    if not User.objects.filter(pk=debit.user_id).exists():
        raise UserNotFoundError(f"There is no user {debit.user_id}.")

    def make() -> Entry:
        used = debits.find_entry(debit.reference)
        if used is not None:
            raise _reference_used(used, by=by)
        return Entry(
            user_id=debit.user_id,
            type=TransactionType.DEBIT,
            amount=-debit.amount,
            counter_account=CounterAccount.REVENUE_SMS,
            reference=debit.reference,
            idempotency_key=claim.key,
            service=debit.service,
            description=debit.description,
            created_by_id=by.pk,
            request_id=request_id,
        )

    try:
        return _post_once(make, user_id=debit.user_id, by=by, claim=claim, now=now)
    except IntegrityError as error:
        # Another wallet's debit with this reference was committed since we looked.
        if _constraint_of(error) != _REFERENCE_ONCE:
            raise
        raise ReferenceUsedError("Another debit took this reference at the same moment.") from error


def reverse_debit(
    *,
    reference: str,
    amount: Decimal | None,
    reason: str,
    by: User,
    claim: KeyClaim,
    request_id: str,
    now: datetime,
) -> Transaction:
    """Give back `amount` of a debit that `by` made, or what is left of it; return the ledger entry.

    :raises DebitNotFoundError: if `by` made no such debit.
    :raises ReversalExceedsDebitError: if less than `amount` is left to give back, or nothing.
    :raises RequestInProgressError: if another request has taken the key over; nothing was given.
    """
    debit = debits.get_debit(by=by, reference=reference)

    def make() -> Entry:
        return Entry(
            user_id=debit.user_id,
            type=TransactionType.REVERSAL,
            amount=_reversible(debit, amount),
            counter_account=debit.counter_account,
            reference=new_reference(REVERSAL_PREFIX),
            idempotency_key=claim.key,
            reverses_id=debit.pk,
            service=debit.service,
            description=reason,
            created_by_id=by.pk,
            request_id=request_id,
        )

    return _post_once(make, user_id=debit.user_id, by=by, claim=claim, now=now)


def _post_once(make: Callable[[], Entry], *, user_id: int, by: User, claim: KeyClaim, now: datetime) -> Transaction:
    """Post what `make` returns under the wallet's lock, unless this key has posted before."""

    def work() -> Transaction:
        ledger.lock_wallets([user_id], now=now)
        # The first request may have died after its commit, or be running still beyond its lease.
        posted = debits.find_entry_of_key(by=by, idempotency_key=claim.key)
        if posted is not None:
            return posted
        (entry,) = ledger.post_entries([make()], now=now)
        claim.advance(RecoveryPoint.ENTRY_POSTED, resource=entry.reference)
        return entry

    return run_transaction(work)


def _reversible(debit: Transaction, amount: Decimal | None) -> Decimal:
    """Return what to give back; the caller holds the wallet's lock."""
    left = -debit.amount - debits.sum_reversals(debit)
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise ReversalExceedsDebitError(
            f"Of this debit's {format_credits(-debit.amount)}, {format_credits(left)} can still be given back."
        )
    return wanted


def _reference_used(used: Transaction, *, by: User) -> ReferenceUsedError:
    """Tell what the reference was used for; of another account's entry only that it is there."""
    if used.created_by_id != by.pk:
        return ReferenceUsedError("Another account has used this reference; nothing was taken.")
    taken = format_credits(abs(used.amount))
    return ReferenceUsedError(
        f"You took {taken} from user {used.user_id} under this reference before; nothing was taken now."
    )


def _constraint_of(error: IntegrityError) -> str | None:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None)

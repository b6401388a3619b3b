"""Writing down what a user owes, and collecting it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

import structlog
from django.db.models import F

from billing.lifecycles import CounterAccount, ReceivableReason, TransactionType
from billing.models import Receivable, Transaction
from billing.services import ledger
from billing.services.ledger import Entry
from namaskah.identifiers import REFUND_PREFIX, REVERSAL_PREFIX, new_reference

logger = structlog.get_logger(__name__)


def record_receivable(
    *, user_id: int, payment_log_id: UUID, amount: Decimal, reason: ReceivableReason, reference: str, now: datetime
) -> Receivable:
    """Write down credits that the wallet could not cover; the caller holds the database transaction."""
    logger.warning("receivable_recorded", reference=reference, reason=reason, amount=str(amount))
    return Receivable.objects.create(
        user_id=user_id,
        payment_log_id=payment_log_id,
        amount=amount,
        reason=reason,
        reference=reference,
        created_at=now,
    )


def collect_receivables(*, payment_log_id: UUID, request_id: str = "", now: datetime) -> Decimal:
    """Take what is owed because of a payment from what its user has available; return how much was taken.

    To be called whenever credits of the payment come free. What is bought later is not touched by itself.
    The caller holds the database transaction and the payment's lock.
    """
    owed = Receivable.objects.filter(payment_log_id=payment_log_id, cancelled_at__isnull=True)
    collected = Decimal(0)
    for receivable in owed.exclude(collected_amount=F("amount")).order_by("pk"):
        wallet = ledger.lock_wallets([receivable.user_id], now=now)[receivable.user_id]
        amount = min(receivable.amount - receivable.collected_amount, wallet.available)
        if amount > 0:
            ledger.post_entries([_entry_of(receivable, amount, request_id=request_id)], now=now)
            Receivable.objects.filter(pk=receivable.pk).update(collected_amount=F("collected_amount") + amount)
            logger.info("receivable_collected", reference=receivable.reference, amount=str(amount))
            collected += amount
    return collected


def cancel_receivable(*, reference: str, request_id: str = "", now: datetime) -> None:
    """Note that what `reference` stood for came to nothing, and give back what was collected for it.

    The caller holds the database transaction.
    """
    receivable = Receivable.objects.filter(reference=reference, cancelled_at__isnull=True).first()
    if receivable is None:
        return
    for entry in list_collections(receivable):
        ledger.post_entries([_reversal_of(entry, request_id=request_id)], now=now)
    Receivable.objects.filter(pk=receivable.pk).update(cancelled_at=now, collected_amount=0)
    logger.info("receivable_cancelled", reference=reference)


def list_collections(receivable: Receivable) -> list[Transaction]:
    """Return the ledger entries that collected it."""
    taken = Transaction.objects.filter(payment_log_id=receivable.payment_log_id, service=receivable.reference)
    return list(taken.filter(type=TransactionType.DEBIT).order_by("sequence"))


def _entry_of(receivable: Receivable, amount: Decimal, *, request_id: str) -> Entry:
    return Entry(
        user_id=receivable.user_id,
        type=TransactionType.DEBIT,
        amount=-amount,
        counter_account=CounterAccount.RECEIVABLE_COLLECTED,
        reference=new_reference(REFUND_PREFIX),
        idempotency_key=uuid5(receivable.pk, str(receivable.collected_amount)),
        payment_log_id=receivable.payment_log_id,
        service=receivable.reference,
        description="Owed because the payment's money went back",
        request_id=request_id,
    )


def _reversal_of(entry: Transaction, *, request_id: str) -> Entry:
    return Entry(
        user_id=entry.user_id,
        type=TransactionType.REVERSAL,
        amount=-entry.amount,
        counter_account=CounterAccount.RECEIVABLE_COLLECTED,
        reference=new_reference(REVERSAL_PREFIX),
        idempotency_key=uuid5(entry.pk, "reversal"),
        payment_log_id=entry.payment_log_id,
        reverses_id=entry.pk,
        service=entry.service,
        description="No longer owed",
        request_id=request_id,
    )

"""What refunds do to wallets and ledger. The caller holds the transaction and the refund's lock."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from billing.lifecycles import CounterAccount, TransactionType
from billing.services import holds, ledger, receivables
from billing.services.ledger import Entry
from namaskah.identifiers import REVERSAL_PREFIX, new_reference
from payments.models import Cause, PaymentLog, Refund


def entry_of(payment: PaymentLog, *, reference: str, idempotency_key: UUID, description: str, cause: Cause) -> Entry:
    """Return the ledger entry that takes a payment's credits back; its amount is that of the hold."""
    return Entry(
        user_id=payment.user_id,
        type=TransactionType.REFUND,
        amount=-payment.credit_amount,
        counter_account=CounterAccount.GATEWAY_PAYSTACK,
        reference=reference,
        idempotency_key=idempotency_key,
        payment_log_id=payment.pk,
        description=description,
        request_id=cause.request_id,
    )


def reversal_of(
    payment: PaymentLog,
    *,
    reverses_id: UUID | None,
    amount: Decimal,
    idempotency_key: UUID,
    description: str,
    cause: Cause,
) -> Entry:
    """Return the ledger entry that gives `amount` of such an entry back."""
    return Entry(
        user_id=payment.user_id,
        type=TransactionType.REVERSAL,
        amount=amount,
        counter_account=CounterAccount.GATEWAY_PAYSTACK,
        reference=new_reference(REVERSAL_PREFIX),
        idempotency_key=idempotency_key,
        payment_log_id=payment.pk,
        reverses_id=reverses_id,
        description=description,
        request_id=cause.request_id,
    )


def book(refund: Refund, payment: PaymentLog, *, cause: Cause, now: datetime) -> None:
    """Turn the hold into the ledger entry."""
    if refund.hold_id is None:
        return
    entry = entry_of(
        payment,
        reference=refund.reference,
        idempotency_key=refund.pk,
        description=f"Refund of {payment.reference}",
        cause=cause,
    )
    refund.ledger_entry_id = holds.take_hold(refund.hold_id, entry, now=now).pk


def give_back(refund: Refund, payment: PaymentLog, *, cause: Cause, now: datetime) -> None:
    """Undo what the refund did: release its hold, or reverse its ledger entry; forgive what could not be taken."""
    if refund.ledger_entry is not None:
        entry = reversal_of(
            payment,
            reverses_id=refund.ledger_entry.pk,
            amount=-refund.ledger_entry.amount,
            idempotency_key=uuid5(refund.pk, "reversal"),
            description=f"Refund of {payment.reference} failed",
            cause=cause,
        )
        refund.reversal_id = ledger.post_entries([entry], now=now)[0].pk
    elif refund.hold_id is not None:
        holds.release_hold(refund.hold_id, user_id=payment.user_id, now=now)
    receivables.cancel_receivable(reference=refund.reference, request_id=cause.request_id, now=now)
    # The payment's money may be gone in another way, such as by a dispute that found the wallet empty.
    receivables.collect_receivables(payment_log_id=payment.pk, request_id=cause.request_id, now=now)

"""Our own books and the gateway's, side by side."""

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from django.contrib.auth.models import User

from billing.models import Transaction
from devtools.sandbox.sandbox import Sandbox
from payments.lifecycles import DUE_STATUSES
from payments.models import PaymentLog, Refund, WebhookEvent
from tests.faults.trials import find_balance


class Record(NamedTuple):
    """What is written of one payment: the gateway's number if it was paid, and the refunds that the gateway has."""

    paid: int | None
    refunds: tuple[tuple[int, int], ...]


class Wallet(NamedTuple):
    """What a user's ledger entries are, and what they add up to."""

    amounts: tuple[Decimal, ...]
    balance: Decimal | None


CREDITED = Wallet((Decimal(25),), Decimal(25))
TAKEN = Wallet((Decimal(25), Decimal(-25)), Decimal(0))


def read_own(references: Collection[str]) -> dict[str, Record]:
    """Return what we wrote of these payments."""
    payments = PaymentLog.objects.filter(reference__in=references).order_by("pk")
    return {
        payment.reference: Record(
            payment.gateway_transaction_id,
            tuple(
                Refund.objects.filter(payment=payment, gateway_refund_id__isnull=False)
                .order_by("gateway_refund_id")
                .values_list("gateway_refund_id", "amount_minor")
            ),
        )
        for payment in payments
    }


def read_of_gateway(sandbox: Sandbox, references: Collection[str]) -> dict[str, Record]:
    """Return what the gateway wrote of them."""
    ledger = sandbox.ledger()
    refunds = sorted(ledger["refunds"], key=lambda refund: refund["id"])
    return {
        page["reference"]: Record(
            page["id"] if page["paid_at"] else None,
            tuple(
                (refund["id"], refund["amount_minor"]) for refund in refunds if refund["reference"] == page["reference"]
            ),
        )
        for page in ledger["transactions"]
        if page["reference"] in references
    }


def read_wallet(user: User) -> Wallet:
    """Return what became of the user's credits, oldest entry first."""
    entries = Transaction.objects.filter(user=user).order_by("sequence")
    return Wallet(tuple(entries.values_list("amount", flat=True)), find_balance(user))


def is_inbox_drained() -> bool:
    """Say whether no event waits to be processed."""
    return not WebhookEvent.objects.filter(status__in=DUE_STATUSES).exists()

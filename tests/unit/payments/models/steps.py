"""A payment's steps through raw SQL."""

import json
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from billing.models import Transaction, Wallet
from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from tests.factories.billing import TransactionFactory, WalletFactory
from tests.factories.payments import CAUSE
from tests.unit.billing.models.raw_sql import post_entry, update

SETTLED = (PaymentState.COMPLETED, PaymentState.REFUNDED)


def change(payment: PaymentLog, **columns: Any) -> None:
    """Update columns as the rules ask for: with the next version."""
    update(payment, **{"lock_version": payment.lock_version + 1} | columns)
    payment.refresh_from_db()


def move(payment: PaymentLog, state: str, **columns: Any) -> None:
    """Take a step with its entry in the trail; `columns` go beside them, or in their place."""
    trail = json.dumps([*payment.state_transitions, entry(payment.state, state)])
    change(payment, **{"state": state, "state_transitions": trail} | columns)


def entry(from_state: str | None, to_state: str) -> dict[str, Any]:
    return CAUSE.as_entry(from_state=from_state, to_state=to_state, reason="planted", now=timezone.now())


def take_step(payment: PaymentLog, state: PaymentState) -> None:
    """Take a step with all that belongs to it: evidence, ledger entry, wallet."""
    columns: dict[str, Any] = {}
    if state in SETTLED and not payment.credited:
        columns |= evidence_of(payment)
    if state == PaymentState.COMPLETED and not payment.credited:
        post_entry(build_credit(payment))
        columns |= credit_of(payment)
    if state == PaymentState.REFUNDED:
        columns["amount_refunded_minor"] = payment.amount_minor
    move(payment, state, **columns)


def walk(payment: PaymentLog, route: Iterable[PaymentState]) -> None:
    for state in route:
        take_step(payment, state)


def evidence_of(payment: PaymentLog) -> dict[str, Any]:
    return {"gateway_transaction_id": 4_099_260_516, "amount_paid_minor": payment.amount_minor}


def credit_of(payment: PaymentLog) -> dict[str, Any]:
    return {"credited": True, "credited_amount": payment.credit_amount}


def build_credit(payment: PaymentLog, **fields: Any) -> Transaction:
    wallet = Wallet.objects.filter(user=payment.user).first() or WalletFactory(user=payment.user)
    credit = {
        "wallet": wallet,
        "type": "credit",
        "amount": payment.credit_amount,
        "reference": payment.reference,
        "payment_log": payment,
    }
    return TransactionFactory.build(**credit | fields)

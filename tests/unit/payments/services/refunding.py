"""Steps of a refund that tests of several services take, against a gateway that knows the payment."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from billing.models import Hold, Receivable, Transaction, Wallet
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, Refund
from payments.services import crediting, gateway_calls, refund_reports, refund_submission
from tests.factories.payments import CAUSE, PaymentFactory

DIGESTED = (PaymentLog, Refund, Hold, Receivable, Transaction, Wallet)


def buy(sandbox: Any, *, paid: Any = None, **purchase: Any) -> PaymentLog:
    """Return a purchase that was paid at the gateway, and acted upon here; `paid` says how it was paid."""
    payment: PaymentLog = PaymentFactory(at=PaymentState.PROCESSING, **purchase)
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0, **paid or {})
    evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id="", now=timezone.now())
    assert evidence is not None
    crediting.credit_user(reference=payment.reference, evidence=evidence, cause=CAUSE, now=timezone.now())
    payment.refresh_from_db()
    return payment


def submit(refund: Refund) -> Refund:
    """Send it, as the follow-up does."""
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
    refund.refresh_from_db()
    return refund


def sync(payment: PaymentLog, *, now: datetime | None = None, due: Iterable[Refund] = ()) -> list[Refund]:
    """Ask the gateway about the payment's refunds, at another time if one is given."""
    refunds = refund_reports.sync_refunds(
        payment_id=payment.pk, cause=CAUSE, now=now or timezone.now(), due=[refund.pk for refund in due]
    )
    payment.refresh_from_db()
    return refunds


def refunds_there(sandbox: Any, payment: PaymentLog) -> list[dict[str, Any]]:
    """Return what the gateway has of the payment's refunds, oldest first."""
    rows = [row for row in sandbox.ledger()["refunds"] if row["reference"] == payment.reference]
    return sorted(rows, key=lambda row: row["id"])


def move(sandbox: Any, payment: PaymentLog, status: str, *, which: int = 0) -> None:
    """Take one of the payment's refunds further at the gateway, which tells nobody."""
    sandbox.move_refund(refunds_there(sandbox, payment)[which]["id"], status, deliveries=0)


def refund_on_dashboard(sandbox: Any, payment: PaymentLog, amount_minor: int | None = None, **terms: Any) -> int:
    """Have somebody refund the payment at the gateway; return its number there."""
    refund, _ = sandbox.request_refund(payment.reference, amount_minor=amount_minor, currency=None, **terms)
    return int(refund.id)


def standing(user: User) -> tuple[Decimal, Decimal, list[Decimal]]:
    """Return the wallet's balance, what it holds, and the amounts of its ledger."""
    wallet = Wallet.objects.get(user=user)
    amounts = Transaction.objects.filter(user=user).order_by("sequence").values_list("amount", flat=True)
    return wallet.balance, wallet.held, list(amounts)


def states(payment: PaymentLog) -> list[str]:
    """Return the states of the payment's refunds, oldest first."""
    return list(Refund.objects.filter(payment=payment).order_by("pk").values_list("state", flat=True))


def steps(refund: Refund) -> list[str]:
    """Return the states that the refund went through."""
    refund.refresh_from_db()
    return [step["to"] for step in refund.state_transitions]


def minutes_later(refund: Refund, minutes: int) -> datetime:
    """Return the moment so long after the refund was sent."""
    assert refund.submitted_at is not None
    return refund.submitted_at + timedelta(minutes=minutes)


def digest() -> list[list[tuple[Any, ...]]]:
    """Return all that the tables of money say."""
    return [list(model._default_manager.order_by("pk").values_list()) for model in DIGESTED]


def make_due(*refunds: Refund) -> None:
    """Let the time pass until these are due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE refunds SET next_check_at = now(), lock_version = lock_version + 1 WHERE id = ANY(%s)",
            [[refund.pk for refund in refunds]],
        )

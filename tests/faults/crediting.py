"""The two ways to a credit, a client's verification and the gateway's webhook, and what became of them."""

import uuid
from decimal import Decimal
from typing import Any, NamedTuple

from billing.models import Transaction
from devtools.sandbox.sandbox import Sandbox
from tests.events import sign
from tests.faults import purchases
from tests.faults.trials import Trial, find_balance
from tests.processes.persistence import Request, send
from tests.processes.product import WEBHOOK_PATH


class Credited(NamedTuple):
    """What became of a payment: the answer that told it, the credits, and the wallet."""

    left: tuple[str, int] | None
    status: int
    surprises: tuple[tuple[int, str], ...]
    events: tuple[str, ...]
    credits: tuple[Decimal, ...]
    balance: Decimal | None


def make_verification(url: str, sandbox: Sandbox, fault: Any) -> Trial:
    """Return the request to verify a payment that was paid."""
    bought = _buy(url, fault)
    purchases.pay(sandbox, bought.final.body)
    return Trial(fault, bought.user, bought.user, purchases.ask(url, bought))


def make_delivery(url: str, sandbox: Sandbox, fault: Any) -> Trial:
    """Return the gateway's delivery of the event that a payment was paid."""
    bought = _buy(url, fault)
    raw = purchases.pay(sandbox, bought.final.body)
    # The gateway sends no key; it is what the death of one process or one connection is planted for.
    headers = {"x-paystack-signature": sign(raw), "Idempotency-Key": str(uuid.uuid4())}
    return Trial(fault, bought.user, bought.user, Request(url + WEBHOOK_PATH, raw, headers))


def count_credits(trial: Trial) -> int:
    return Transaction.objects.filter(user=trial.customer).count()


def count_events(trial: Trial) -> int:
    return purchases.list_events(trial.user).count()


def describe_credit(trial: Trial) -> Credited:
    """Send the request once more, and say what is true then."""
    assert send(trial.request).status == trial.final.status
    return Credited(
        left=trial.left,
        status=trial.final.status,
        surprises=trial.surprises,
        events=tuple(purchases.list_events(trial.user).values_list("status", flat=True)),
        credits=tuple(Transaction.objects.filter(user=trial.customer).values_list("amount", flat=True)),
        balance=find_balance(trial.customer),
    )


def credited_once(
    *, left: tuple[str, int], events: tuple[str, ...], surprises: tuple[tuple[int, str], ...] = ()
) -> Credited:
    """Return what must become of a payment."""
    credit = Decimal(25)
    return Credited(left, 200, surprises, events, (credit,), credit)


def _buy(url: str, fault: Any) -> Trial:
    bought = purchases.make_purchase(url, fault)
    bought.answers = [send(bought.request)]
    return bought

"""Refunds asked for by the API, and what became of them in our books."""

from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission

from billing.models import Hold, Transaction, Wallet
from payments.models import Refund
from tests.factories.payments import PaymentFactory
from tests.faults.trials import Ending, Trial, describe_ending, make_client, make_trial

PAYMENTS = "/api/v1/payments"


class RequestedRefund(NamedTuple):
    """What a client's payment has: the states of refunds and holds, what the ledger says of them, and the wallet."""

    states: tuple[str, ...]
    holds: tuple[str, ...]
    amounts: tuple[Decimal, ...]
    balance: Decimal
    held: Decimal


def make_refund(url: str, fault: Any, amount_usd: str) -> Trial:
    """Return the request to send back a part of a new client's purchase of 150 credits."""
    user, api_key = make_client()
    user.user_permissions.add(Permission.objects.get(codename="request_refund"))
    payment = PaymentFactory(user=user, at="completed", credit_amount=Decimal(150), amount_minor=24_750_000)
    address = f"{url}{PAYMENTS}/{payment.reference}/refunds"
    body = {"amount_usd": amount_usd, "reason": "Bought too many"}
    return make_trial(fault, address, body, user=user, api_key=api_key, customer=user)


def count_refunds(trial: Trial) -> int:
    return Refund.objects.filter(requested_by=trial.user, idempotency_key=trial.key).count()


def describe_refund(trial: Trial) -> tuple[Ending, RequestedRefund]:
    """Say what is true now, of the client's payment and wallet as a whole."""
    ending = describe_ending(trial)
    wallet = Wallet.objects.get(user=trial.user)
    entries = Transaction.objects.filter(user=trial.user, type="refund")
    return ending, RequestedRefund(
        states=tuple(Refund.objects.filter(payment__user=trial.user).values_list("state", flat=True)),
        holds=tuple(Hold.objects.filter(wallet=wallet).values_list("state", flat=True)),
        amounts=tuple(entries.values_list("amount", flat=True)),
        balance=wallet.balance,
        held=wallet.held,
    )

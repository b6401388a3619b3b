"""Debits and their reversals, and what became of them in the ledger."""

import uuid
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission, User

from billing.lifecycles import CounterAccount, TransactionType
from billing.models import Transaction
from tests.factories.billing import post
from tests.faults.trials import Ending, Trial, describe_ending, find_balance, make_client, make_trial

DEBITS = "/api/v1/billing/debits"


class Posting(NamedTuple):
    """What became of a request to post an entry, and of the customer's wallet."""

    ending: Ending
    amounts: tuple[Decimal, ...]
    balance: Decimal | None


def make_service() -> tuple[User, str]:
    """Return the platform's own software, which may debit wallets, and its API key."""
    user, api_key = make_client()
    user.user_permissions.add(Permission.objects.get(codename="debit_wallet"))
    return user, api_key


def make_debit(url: str, fault: Any, *, service: User, api_key: str) -> Trial:
    """Return the request to take 2.5 of a new customer's 100 credits."""
    customer = _make_customer()
    body = {"user_id": customer.pk, "amount": "2.5", "reference": f"sms-{uuid.uuid4()}", "service": "sms"}
    return make_trial(fault, url + DEBITS, body, user=service, api_key=api_key, customer=customer)


def make_reversal(url: str, fault: Any, *, service: User, api_key: str) -> Trial:
    """Return the request to give back 1 of the 2.5 credits that were taken from a new customer."""
    customer = _make_customer()
    debit = post(
        customer,
        type=TransactionType.DEBIT,
        amount=Decimal("-2.5"),
        counter_account=CounterAccount.REVENUE_SMS,
        reference=f"sms-{uuid.uuid4()}",
        service="sms",
        created_by_id=service.pk,
    )
    body = {"amount": "1", "reason": "Not delivered"}
    address = f"{url}{DEBITS}/{debit.reference}/reverse"
    return make_trial(fault, address, body, user=service, api_key=api_key, customer=customer)


def count_entries(trial: Trial) -> int:
    return Transaction.objects.filter(created_by=trial.user, idempotency_key=trial.key).count()


def describe_posting(trial: Trial) -> Posting:
    posted = Transaction.objects.filter(created_by=trial.user, idempotency_key=trial.key)
    return Posting(
        ending=describe_ending(trial),
        amounts=tuple(posted.values_list("amount", flat=True)),
        balance=find_balance(trial.customer),
    )


def _make_customer() -> User:
    customer, _ = make_client()
    post(customer, amount=Decimal(100))
    return customer

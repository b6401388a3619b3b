"""Wallets, ledger entries and exchange rates for tests."""

from decimal import Decimal
from uuid import uuid4

import factory
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory

from billing.lifecycles import CounterAccount, TransactionType
from billing.models import ExchangeRate, Transaction, Wallet
from billing.services import ledger
from namaskah.identifiers import ADJUSTMENT_PREFIX, new_reference


class WalletFactory(DjangoModelFactory[Wallet]):
    """An empty wallet; credits come into it through `post`."""

    class Meta:
        model = Wallet

    user = factory.SubFactory("tests.factories.users.UserFactory")
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")


class EntryFactory(factory.Factory[ledger.Entry]):
    """What `ledger.post_entries` takes: an adjustment of 10 credits, unless told otherwise."""

    class Meta:
        model = ledger.Entry

    type = TransactionType.ADJUSTMENT
    amount = Decimal("10.0000")
    counter_account = CounterAccount.ADJUSTMENT_GOODWILL
    reference = factory.LazyFunction(lambda: new_reference(ADJUSTMENT_PREFIX))
    idempotency_key = factory.LazyFunction(uuid4)


class TransactionFactory(DjangoModelFactory[Transaction]):
    """A ledger row that continues `wallet`, for `build`: only `post` moves the wallet too."""

    class Meta:
        model = Transaction

    wallet = factory.SubFactory(WalletFactory)
    user = factory.SelfAttribute("wallet.user")
    sequence = factory.LazyAttribute(lambda row: row.wallet.sequence + 1)
    type = TransactionType.ADJUSTMENT
    amount = Decimal("10.0000")
    balance_after = factory.LazyAttribute(lambda row: row.wallet.balance + row.amount)
    counter_account = CounterAccount.ADJUSTMENT_GOODWILL
    reference = factory.LazyFunction(lambda: new_reference(ADJUSTMENT_PREFIX))
    idempotency_key = factory.LazyFunction(uuid4)
    created_at = factory.LazyFunction(timezone.now)


class ExchangeRateFactory(DjangoModelFactory[ExchangeRate]):
    """1650 naira per dollar from now on."""

    class Meta:
        model = ExchangeRate

    currency = "NGN"
    units_per_usd = Decimal("1650.000000")
    valid_from = factory.LazyFunction(timezone.now)
    created_at = factory.SelfAttribute("valid_from")


def post(user: User, **entry: object) -> Transaction:
    """Post one entry to the user's wallet, which is made if there is none."""
    with transaction.atomic():
        return ledger.post_entries([EntryFactory(user_id=user.pk, **entry)], now=timezone.now())[0]

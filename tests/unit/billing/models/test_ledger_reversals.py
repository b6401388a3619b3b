"""Reversals give back at most what one entry took, to the wallet it was taken from."""

from decimal import Decimal

import pytest

from billing.lifecycles import TransactionType
from billing.models import Transaction, Wallet
from namaskah.identifiers import new_id
from tests.factories.billing import TransactionFactory, post
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import insert, post_entry, refused_by, settle, update

EXCESSIVE = ("sms_transactions_continuous", "reversal % gives back more than was taken, or from another wallet")


@pytest.fixture
def debit(wallet):
    entry = post(wallet.user, type=TransactionType.DEBIT, amount=Decimal(-6))
    wallet.refresh_from_db()
    return entry


def build_reversal(wallet: Wallet, entry: Transaction, amount: str) -> Transaction:
    return TransactionFactory.build(
        wallet=wallet, type=TransactionType.REVERSAL, amount=Decimal(amount), reverses_id=entry.pk
    )


def test_reversal_above_its_debit_is_refused(wallet, debit):
    with refused_by(*EXCESSIVE):
        insert(build_reversal(wallet, debit, "6.0001"))

    post_entry(build_reversal(wallet, debit, "6"))
    settle()


def test_two_reversals_that_are_above_their_debit_together_are_refused(wallet, debit):
    post_entry(build_reversal(wallet, debit, "3.5"))

    with refused_by(*EXCESSIVE):
        insert(build_reversal(wallet, debit, "2.5001"))

    post_entry(build_reversal(wallet, debit, "2.5"))
    settle()


def test_two_reversals_in_one_statement_that_are_above_their_debit_together_are_refused(wallet, debit):
    first = build_reversal(wallet, debit, "3.5")
    second = build_reversal(wallet, debit, "2.5001")
    second.sequence, second.balance_after = first.sequence + 1, first.balance_after + second.amount

    with refused_by(*EXCESSIVE):
        Transaction.objects.bulk_create([first, second])

    post_entry(first)


def test_reversal_into_another_wallet_is_refused(wallet, debit):
    post(UserFactory(), amount=10)
    other = Wallet.objects.exclude(pk=wallet.pk).get()

    with refused_by(*EXCESSIVE):
        insert(build_reversal(other, debit, "6"))

    post_entry(build_reversal(wallet, debit, "6"))


@pytest.mark.parametrize("reversed_type", [TransactionType.ADJUSTMENT, TransactionType.REVERSAL])
def test_reversal_of_an_entry_that_took_nothing_is_refused(reversed_type, wallet, debit):
    post_entry(build_reversal(wallet, debit, "1"))
    given = Transaction.objects.get(type=reversed_type)

    with refused_by(*EXCESSIVE):
        insert(build_reversal(wallet, given, "0.0001"))

    post_entry(build_reversal(wallet, debit, "5"))


def test_reversal_of_itself_is_refused(wallet):
    reversal = build_reversal(wallet, Transaction(id=new_id()), "1")

    with refused_by(*EXCESSIVE):
        insert(reversal, reverses_id=reversal.pk)


@pytest.mark.parametrize("amount", ["1", "500"])
def test_reversal_before_its_debit_is_refused(amount, wallet):
    debit = TransactionFactory.build(
        wallet=wallet,
        type=TransactionType.DEBIT,
        sequence=3,
        amount=Decimal(-1),
        balance_after=Decimal(10) + Decimal(amount) - 1,
    )

    with refused_by(*EXCESSIVE):
        post_entry(build_reversal(wallet, debit, amount))
        post_entry(debit)


def test_reversal_before_its_debit_in_one_statement_is_refused(wallet):
    debit = TransactionFactory.build(wallet=wallet, type=TransactionType.DEBIT, amount=Decimal(-1))
    reversal = build_reversal(wallet, debit, "1")
    put_in_order(reversal, debit)

    with refused_by(*EXCESSIVE):
        Transaction.objects.bulk_create([reversal, debit])

    put_in_order(debit, reversal)
    Transaction.objects.bulk_create([reversal, debit])
    update(wallet, sequence=3, balance="10")
    settle()


def put_in_order(first: Transaction, second: Transaction) -> None:
    first.sequence, first.balance_after = 2, 10 + first.amount
    second.sequence, second.balance_after = 3, first.balance_after + second.amount

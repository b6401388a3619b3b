"""Each wallet's entries follow one another without a gap, and the wallet follows them."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.models import Transaction, Wallet
from tests.factories.billing import TransactionFactory, WalletFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import execute, insert, post_entry, refused_by, settle, update

DISCONTINUED = ("sms_transactions_continuous", "ledger entry % (sequence %, balance %) does not continue its wallet")
UNMOVED = ("sms_transactions_settled", "ledger entry %: its wallet was not moved, or is another user's")


@pytest.mark.parametrize(
    "columns",
    [
        {"sequence": 3},
        {"balance_after": "20.0001"},
        {"balance_after": "19.9999"},
        {"balance_after": "10"},
        {"amount": "-10"},
        {"amount": "10.0001"},
    ],
    ids=str,
)
def test_insert_entry_with_a_gap_or_wrong_balance_is_refused(columns, wallet):
    entry = TransactionFactory.build(wallet=wallet)

    with refused_by(*DISCONTINUED):
        insert(entry, **columns)

    post_entry(entry)
    settle()


@pytest.mark.parametrize("columns", [{"sequence": 2}, {"balance_after": "10.0001"}, {"balance_after": "0"}], ids=str)
def test_insert_first_entry_that_does_not_start_at_nothing_is_refused(columns, db):
    entry = TransactionFactory.build(wallet=WalletFactory())

    with refused_by(*DISCONTINUED):
        insert(entry, **columns)

    post_entry(entry)
    settle()


def test_insert_entry_that_continues_another_wallet_is_refused(wallet):
    other = WalletFactory()

    with refused_by(*DISCONTINUED):
        insert(TransactionFactory.build(wallet=other), sequence=2, balance_after="20")

    post_entry(TransactionFactory.build(wallet=other))


def test_insert_many_entries_with_one_wrong_among_them_is_refused(wallet):
    second = TransactionFactory.build(wallet=wallet)
    third = TransactionFactory.build(wallet=wallet, sequence=3, balance_after=Decimal(30))
    wrong = TransactionFactory.build(wallet=WalletFactory(), sequence=2)

    with refused_by(*DISCONTINUED):
        Transaction.objects.bulk_create([second, third, wrong])

    Transaction.objects.bulk_create([third, second])
    update(wallet, sequence=3, balance="30")
    settle()


def test_entry_whose_wallet_is_not_moved_is_refused_at_the_end(wallet):
    entry = TransactionFactory.build(wallet=wallet)

    with refused_by(*UNMOVED):
        insert(entry)

    post_entry(entry)
    settle()


def test_last_of_two_entries_for_which_the_wallet_is_not_moved_is_refused_at_the_end(wallet):
    first = TransactionFactory.build(wallet=wallet)
    second = TransactionFactory.build(wallet=wallet, sequence=3, balance_after=Decimal(30))

    with refused_by(*UNMOVED):
        post_entry(first)
        insert(second)

    post_entry(first)
    post_entry(second)
    settle()


def test_entry_with_another_user_than_its_wallet_is_refused_at_the_end(wallet):
    entry = TransactionFactory.build(wallet=wallet)

    with refused_by(*UNMOVED):
        post_entry(entry, user_id=UserFactory().pk)

    wallet.refresh_from_db()
    post_entry(entry)
    settle()


def test_entry_that_overwrites_a_conflicting_one_is_refused(wallet):
    entry = Transaction.objects.get()

    with refused_by("sms_transactions_unchanging", "UPDATE on sms_transactions is refused: its rows are append-only"):
        execute(
            "INSERT INTO sms_transactions SELECT * FROM sms_transactions WHERE id = %s "
            "ON CONFLICT (id) DO UPDATE SET amount = 11",
            [entry.pk],
        )

    assert Transaction.objects.get().amount == Decimal(10)


@pytest.mark.django_db(transaction=True)
def test_commit_without_moving_the_wallet_is_refused_and_keeps_nothing():
    entry = TransactionFactory.build(wallet=WalletFactory())

    with pytest.raises(IntegrityError, match="its wallet was not moved"), transaction.atomic():
        insert(entry)

    assert Transaction.objects.count() == 0
    with transaction.atomic():
        post_entry(entry)
    assert Wallet.objects.get().balance == entry.balance_after

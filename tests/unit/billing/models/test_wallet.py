"""What the database refuses of wallets."""

from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Wallet
from tests.factories.billing import TransactionFactory, WalletFactory, post
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import (
    Violation,
    delete,
    insert,
    post_entry,
    refused_by,
    settle,
    truncate,
    update,
)

BIRTHS = [
    Violation("billing_wallet_held_within_balance", {"held": "0.0001"}),
    Violation("billing_wallet_held_within_balance", {"held": "NaN"}),
    Violation("billing_wallet_balance_is_number", {"balance": "NaN"}),
    Violation("billing_wallet_sequence_from_zero", {"sequence": -1}),
]
CHANGES = [
    Violation("billing_wallet_held_within_balance", {"held": "-0.0001"}, {"held": "0"}),
    Violation("billing_wallet_held_within_balance", {"held": "10.0001"}, {"held": "0"}),
    Violation("billing_wallet_held_within_balance", {"held": "NaN"}, {"held": "0"}),
    Violation("billing_wallet_balance_is_number", {"balance": "NaN"}, {"balance": "10.0000"}),
]


def test_available_is_balance_less_held():
    wallet = Wallet(balance=Decimal("10.5000"), held=Decimal("0.0001"))

    assert wallet.available == Decimal("10.4999")


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, db):
    wallet = WalletFactory.build(user=UserFactory())

    with refused_by(violation.rule):
        insert(wallet, **violation.wrong)

    insert(wallet)
    settle()


@pytest.mark.parametrize("violation", CHANGES, ids=str)
def test_update_against_a_constraint_is_refused(violation, wallet):
    with refused_by(violation.rule):
        update(wallet, **violation.wrong)

    update(wallet, **violation.right)
    settle()


def test_insert_second_wallet_of_a_user_is_refused(wallet):
    with refused_by("wallets_user_id_key"):
        insert(WalletFactory.build(user=wallet.user))

    insert(WalletFactory.build(user=UserFactory()))


@pytest.mark.parametrize("columns", [{"balance": "10"}, {"balance": "10", "sequence": 1}, {"sequence": 1}], ids=str)
def test_insert_wallet_with_money_or_a_sequence_is_refused(columns, db):
    wallet = WalletFactory.build(user=UserFactory())

    with refused_by("wallets_born_empty", "wallet % (balance %, sequence %) is not where its ledger ends"):
        insert(wallet, **columns)

    insert(wallet)


@pytest.mark.parametrize(
    "columns",
    [
        {"balance": "10.0001"},
        {"balance": "9.9999"},
        {"sequence": 2},
        {"sequence": 2, "balance": "20"},
        {"sequence": 0, "balance": "0"},
        {"sequence": 0},
    ],
    ids=str,
)
def test_update_wallet_without_a_ledger_entry_is_refused(columns, wallet):
    with refused_by("wallets_follow_ledger", "wallet % (balance %, sequence %) is not where its ledger ends"):
        update(wallet, **columns)

    post_entry(TransactionFactory.build(wallet=wallet, amount=Decimal(5)))
    settle()


def test_update_wallet_back_to_an_earlier_entry_is_refused(wallet):
    post(wallet.user, amount=5)

    with refused_by("wallets_follow_ledger", "wallet % (balance %, sequence %) is not where its ledger ends"):
        update(wallet, sequence=1, balance="10")

    update(wallet, sequence=2, balance="15")


@pytest.mark.parametrize("column", ["id", "user_id", "created_at"])
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_identity_or_owner_of_a_wallet_is_refused(column, is_nothing, wallet):
    other = WalletFactory.build(user=UserFactory())

    with refused_by("wallets_keep_owner", "UPDATE on wallets is refused: its rows are append-only"):
        update(wallet, **{column: None if is_nothing else getattr(other, column)})

    update(wallet, **{column: getattr(wallet, column), "updated_at": timezone.now()})


def test_delete_wallet_is_refused(db):
    wallet = WalletFactory()

    with refused_by("wallets_undeleted", "DELETE on wallets is refused: its rows are append-only"):
        delete(wallet)

    assert Wallet.objects.get() == wallet


def test_truncate_wallets_is_refused(db):
    with refused_by("wallets_untruncated", "TRUNCATE on wallets is refused: its rows are append-only"):
        truncate(Wallet)

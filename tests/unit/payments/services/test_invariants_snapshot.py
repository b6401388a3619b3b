"""How the laws are checked: at one moment, without changing anything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import InternalError, connection, transaction

from payments.services import invariants
from payments.services.invariants import Invariant
from tests.factories.billing import WalletFactory

pytestmark = pytest.mark.django_db(transaction=True)


def law(query):
    return Invariant(name="planted", law="No wallet.", owner="billing", runbook="None", scope="users", query=query)


def make_wallet_elsewhere():
    """Commit a wallet on a connection of its own."""

    def make():
        WalletFactory()
        connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(make).result()


def test_check_invariants_sees_one_moment_in_all_its_queries():
    def laws():
        yield law("SELECT id FROM wallets")
        make_wallet_elsewhere()
        yield law("SELECT id FROM wallets")

    assert invariants.check_invariants(laws()) == []
    assert [violation.count for violation in invariants.check_invariants([law("SELECT id FROM wallets")])] == [1]


def test_check_invariants_can_change_nothing():
    with pytest.raises(InternalError, match="read-only transaction"):
        invariants.check_invariants([law("DELETE FROM wallets RETURNING id")])


def test_check_invariants_refuses_to_look_from_within_another_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        invariants.check_invariants([])


def test_check_invariants_counts_every_row_and_shows_the_first_of_them():
    (violation,) = invariants.check_invariants(
        [law("SELECT number, 'x' AS what FROM generate_series(1, 21) AS number")]
    )

    assert violation.count == 21
    assert violation.rows == tuple(f"number={number}, what=x" for number in range(1, 21))


def test_check_invariants_checks_the_whole_catalogue_unless_told_otherwise():
    assert invariants.check_invariants() == []

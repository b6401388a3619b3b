"""How the laws are checked: at one moment, without changing anything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import InternalError, OperationalError, connection, transaction

from payments.services import invariants
from payments.services.invariants import Invariant
from tests.factories.billing import WalletFactory
from tests.integration import actors

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


def test_check_invariants_goes_on_after_a_law_that_is_too_slow():
    WalletFactory()
    slow = law(
        "SET LOCAL statement_timeout = '50ms';"
        "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b"
    )

    first, second = invariants.check_invariants([slow, law("SELECT id FROM wallets")])

    assert (first.count, first.rows, first.not_checked) == (0, (), "canceling statement due to statement timeout")
    assert (second.count, second.not_checked) == (1, "")


def test_check_invariants_goes_on_after_a_law_whose_table_is_locked():
    pause = actors.Pause("SELECT 'locked'")
    locker = actors.start(pause.of(lock_wallets))
    pause.wait_until_reached()

    found = invariants.check_invariants(
        [law("SET LOCAL lock_timeout = '50ms'; SELECT id FROM wallets"), law("SELECT 1")]
    )
    pause.go_on()

    assert locker.exception(actors.PATIENCE_SECONDS) is None
    assert [violation.not_checked for violation in found] == ["canceling statement due to lock timeout", ""]


def test_check_invariants_ends_when_the_database_goes_away():
    with pytest.raises(OperationalError):
        invariants.check_invariants([law("SELECT pg_terminate_backend(pg_backend_pid())"), law("SELECT 1")])


def lock_wallets():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SELECT 'locked'")

from decimal import Decimal

import pytest
import structlog
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from billing.models import Transaction, Wallet
from namaskah.rehearsals import check_deferred, rehearse
from tests.factories.billing import TransactionFactory, WalletFactory, post
from tests.factories.snapshots import take_snapshot
from tests.factories.users import UserFactory
from tests.integration import actors

pytestmark = pytest.mark.django_db(transaction=True)


def test_rehearse_does_the_work_and_leaves_nothing():
    user = UserFactory()
    before = take_snapshot()

    with rehearse():
        post(user)
        balance = Wallet.objects.get(user=user).balance

    assert balance == Decimal(10)
    assert take_snapshot() == before


def test_rehearse_shows_nobody_else_what_it_does():
    user = UserFactory()

    with rehearse():
        post(user)
        [seen] = actors.run_together([Transaction.objects.count])

    assert seen == 0


def test_rehearse_lets_durable_work_run_and_fail_by_itself():
    kept, refused = UserFactory(), UserFactory()

    @transaction.atomic(durable=True)
    def fail():
        WalletFactory(user=refused)
        raise ValueError

    with rehearse():
        with transaction.atomic(durable=True):
            WalletFactory(user=kept)
        with pytest.raises(ValueError):  # noqa: PT011 -- raised three lines above
            fail()
        owners = list(Wallet.objects.values_list("user", flat=True))

    assert owners == [kept.pk]
    assert not Wallet.objects.exists()


def test_rehearse_never_runs_what_waits_for_a_commit():
    told = []

    with rehearse(), transaction.atomic(durable=True):
        transaction.on_commit(lambda: told.append("committed"))
    UserFactory()

    assert told == []


def test_rehearse_that_is_broken_off_leaves_nothing_and_a_connection_that_commits():
    with pytest.raises(KeyboardInterrupt), rehearse():
        _make_a_user_and_stop()
    UserFactory()

    assert actors.run_together([User.objects.count]) == [1]
    assert connection.get_autocommit() is True


def test_rehearse_fails_where_the_commit_would_fail():
    wallet = WalletFactory()

    with pytest.raises(IntegrityError, match="its wallet was not moved"), rehearse():
        _write_half(wallet)

    assert not Transaction.objects.exists()


def test_check_deferred_names_the_step_at_fault_and_leaves_the_next_ones_deferred():
    wallet, user = WalletFactory(), UserFactory()

    with rehearse():
        savepoint = transaction.savepoint()
        _write_half(wallet)
        with pytest.raises(IntegrityError, match="its wallet was not moved"):
            check_deferred()
        transaction.savepoint_rollback(savepoint)
        # The ledger row comes before the wallet's new balance: only together are they right.
        post(user)
        check_deferred()


def test_rehearse_may_wait_for_the_gateway_longer_than_a_transaction_elsewhere():
    with rehearse(), connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        inside = cursor.fetchone()[0]

    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        after = cursor.fetchone()[0]
    assert (inside, after) == ("0", "5s")


def test_rehearse_within_a_transaction_is_refused():
    with transaction.atomic(), pytest.raises(RuntimeError, match="connection of its own"), rehearse():
        pass


def test_rehearse_marks_the_lines_of_the_log():
    with rehearse():
        inside = structlog.contextvars.get_contextvars()

    assert inside == {"is_rehearsal": True}
    assert structlog.contextvars.get_contextvars() == {}


def _write_half(wallet):
    """Write a ledger row and forget the wallet, which only the end of a transaction notices."""
    TransactionFactory(wallet=wallet)


def _make_a_user_and_stop():
    UserFactory()
    raise KeyboardInterrupt

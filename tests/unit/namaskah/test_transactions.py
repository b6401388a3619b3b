import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from namaskah.transactions import run_transaction
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def raise_sqlstate(sqlstate: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{sqlstate}'; END $$")


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
def test_run_transaction_that_had_to_give_way_runs_again_from_the_start(sqlstate):
    calls = []

    def work() -> int:
        UserFactory()
        calls.append(User.objects.count())
        if len(calls) < 3:
            raise_sqlstate(sqlstate)
        return len(calls)

    result = run_transaction(work)

    assert result == 3
    assert calls == [1, 1, 1]
    assert User.objects.count() == 1


def test_run_transaction_that_gives_way_for_ever_raises():
    calls = []

    def work() -> None:
        calls.append(1)
        raise_sqlstate("40P01")

    with pytest.raises(OperationalError):
        run_transaction(work)

    assert len(calls) == 3


def test_run_transaction_does_not_repeat_another_error():
    calls = []

    def work() -> None:
        calls.append(1)
        raise_sqlstate("55P03")

    with pytest.raises(OperationalError):
        run_transaction(work)

    assert len(calls) == 1

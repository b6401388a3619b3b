from threading import Event

import pytest
from django.db import OperationalError, connection

from namaskah.back_office.turns import TurnNotHadError, take_turn
from tests.integration.actors import PATIENCE_SECONDS, run_together, start, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def impatient(monkeypatch):
    """Wait for a lock for a moment only."""
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"].replace("lock_timeout=3s", "lock_timeout=50ms"))


def test_take_turn_lets_one_after_the_other_act_upon_one_thing():
    inside, together = [], []

    def act():
        with take_turn("nmk-1"):
            inside.append(1)
            together.append(len(inside))
            inside.pop()

    assert run_together([act] * 4) == [None] * 4

    assert together == [1] * 4


def test_take_turn_waits_until_whoever_acts_is_done():
    done = []

    def act():
        with take_turn("nmk-1"):
            done.append("second")

    with take_turn("nmk-1"):
        other = start(act)
        wait_until_blocked()
        done.append("first")
    other.result(PATIENCE_SECONDS)

    assert done == ["first", "second"]


def test_take_turn_of_another_thing_waits_for_nobody():
    with take_turn("nmk-1"), take_turn("nmk-2"):
        pass


def test_take_turn_that_is_not_had_in_time_is_refused(impatient):
    with take_turn("nmk-1"), pytest.raises(TurnNotHadError, match="nothing was done"), take_turn("nmk-1"):
        pass

    with take_turn("nmk-1"):
        pass


def test_take_turn_is_over_when_the_block_fails():
    with pytest.raises(ZeroDivisionError), take_turn("nmk-1"):
        raise ZeroDivisionError

    with take_turn("nmk-1"):
        pass


def test_take_turn_without_a_database_says_so(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")

    with pytest.raises(OperationalError), take_turn("nmk-1"):
        pass


def test_turn_of_whoever_died_is_free():
    is_taken, may_go = Event(), Event()

    def act():
        with take_turn("nmk-1"):
            is_taken.set()
            may_go.wait(PATIENCE_SECONDS)

    dying = start(act)
    assert is_taken.wait(PATIENCE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    with take_turn("nmk-1"):
        pass
    may_go.set()
    dying.result(PATIENCE_SECONDS)

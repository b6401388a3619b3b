import time
from contextlib import ExitStack

import pytest
from django_redis import get_redis_connection
from structlog.testing import capture_logs

from namaskah import redis_health
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.services.payment_locks import hold_payment_locks
from tests.integration import actors


@pytest.fixture
def references():
    return [new_reference(PAYMENT_PREFIX) for _ in range(3)]


def stored(reference):
    return get_redis_connection("locks").get(f"payment_lock:{reference}")


def lock_by_another(reference, *, milliseconds=30_000):
    get_redis_connection("locks").set(f"payment_lock:{reference}", "another", px=milliseconds)


def timed(references, *, wait_seconds=0.0):
    started = time.monotonic()
    with hold_payment_locks(references, wait_seconds=wait_seconds) as held:
        pass
    return held, time.monotonic() - started


def test_hold_payment_locks_has_a_lease_and_is_gone_afterwards(references, settings):
    settings.PAYMENT_LOCK_TIMEOUT_SECONDS = 30

    with hold_payment_locks(references, wait_seconds=0) as held:
        leases = [get_redis_connection("locks").pttl(f"payment_lock:{reference}") for reference in references]
        assert held == frozenset(references)

    assert [29_000 < lease <= 30_000 for lease in leases] == [True] * 3
    assert [stored(reference) for reference in references] == [None] * 3


def test_hold_payment_locks_is_released_after_an_error(references):
    with pytest.raises(ZeroDivisionError), hold_payment_locks(references, wait_seconds=0):
        raise ZeroDivisionError

    assert [stored(reference) for reference in references] == [None] * 3


def test_hold_payment_locks_leaves_out_what_another_holds(references):
    lock_by_another(references[1])

    with hold_payment_locks(references, wait_seconds=0) as held:
        assert held == frozenset({references[0], references[2]})

    assert [stored(reference) for reference in references] == [None, b"another", None]


def test_hold_payment_locks_counts_a_reference_asked_for_twice_once(references):
    twice = [references[0], references[0]]

    held, seconds = timed(twice, wait_seconds=5)

    assert held == frozenset(twice)
    assert seconds < 1


def test_hold_payment_locks_waits_no_longer_than_told(references):
    lock_by_another(references[0])

    held, seconds = timed(references[:1], wait_seconds=0.3)

    assert held == frozenset()
    assert 0.3 <= seconds < 0.8


def test_hold_payment_locks_waits_until_another_is_done(references):
    lock_by_another(references[0])
    waiting = actors.start(lambda: timed(references[:1], wait_seconds=5))

    get_redis_connection("locks").delete(f"payment_lock:{references[0]}")

    held, seconds = waiting.result(actors.PATIENCE_SECONDS)
    assert held == frozenset(references[:1])
    assert seconds < 2


def test_hold_payment_locks_lease_that_ran_out_is_a_line_in_the_log(references):
    with capture_logs() as lines, hold_payment_locks(references, wait_seconds=0):
        get_redis_connection("locks").delete(f"payment_lock:{references[0]}")

    assert lines == [{"event": "redis_lock_lease_expired", "count": 1, "log_level": "warning"}]


def test_hold_payment_locks_does_not_remove_the_lock_of_a_rival_that_took_over(references):
    with capture_logs() as lines, hold_payment_locks(references[:1], wait_seconds=0):
        lock_by_another(references[0])

    assert stored(references[0]) == b"another"
    assert lines == [{"event": "redis_lock_lease_expired", "count": 1, "log_level": "warning"}]


def test_hold_payment_locks_without_redis_counts_all_as_had(references, valkey):
    valkey.stop()

    with capture_logs() as lines:
        held, seconds = timed(references, wait_seconds=10)

    assert held == frozenset(references)
    assert seconds < 0.5
    assert [line["event"] for line in lines] == [
        "redis_lock_unavailable",
        "redis_not_asked",
        "redis_lock_not_released",
    ]


def test_hold_payment_locks_at_a_frozen_redis_waits_once_and_then_no_more(references, valkey):
    valkey.freeze()

    first, first_seconds = timed(references, wait_seconds=10)
    second, second_seconds = timed(references, wait_seconds=10)

    assert first == second == frozenset(references)
    assert first_seconds < 1
    assert second_seconds < 0.05


def test_hold_payment_locks_asks_no_more_for_five_seconds_after_two_failures(references, valkey, monkeypatch):
    valkey.stop()
    timed(references)
    valkey.start()

    with hold_payment_locks(references, wait_seconds=0) as paused:
        is_asked = stored(references[0])
    now = time.monotonic()
    monkeypatch.setattr(redis_health.health, "_clock", lambda: now + 5)
    with hold_payment_locks(references, wait_seconds=0) as asked_again:
        token = stored(references[0])

    assert paused == asked_again == frozenset(references)
    assert is_asked is None
    assert token is not None


def test_hold_payment_locks_two_failures_with_a_success_between_are_no_outage(references, valkey):
    for _ in range(2):
        with ExitStack() as stack:
            stack.enter_context(hold_payment_locks(references, wait_seconds=0))
            valkey.stop()
        valkey.start()

    with hold_payment_locks(references, wait_seconds=0):
        assert stored(references[0]) is not None


def test_hold_payment_locks_redis_gone_during_the_work_is_a_line_in_the_log(references, valkey):
    with capture_logs() as lines, hold_payment_locks(references, wait_seconds=0) as held:
        valkey.stop()

    assert held == frozenset(references)
    assert [(line["event"], line["error"]) for line in lines] == [("redis_lock_not_released", "ConnectionError")]

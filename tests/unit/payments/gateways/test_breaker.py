import threading
import time

import pytest

from namaskah.errors import GatewayUnavailableError
from payments.gateways.breaker import CallSlots, CircuitBreaker


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock=clock)


def fail(breaker, times):
    for _ in range(times):
        breaker.record_failure()


def test_check_closed_after_four_failures(breaker):
    fail(breaker, 4)

    breaker.check_closed()


def test_check_closed_after_two_failures_that_were_waited_for_is_refused(breaker, clock):
    """A gateway that hangs fails twice in fifty seconds, and must not be waited for a third time."""
    breaker.record_failure(seconds=25.0)
    breaker.check_closed()
    clock.seconds += 25.0
    breaker.record_failure(seconds=25.0)

    with pytest.raises(GatewayUnavailableError):
        breaker.check_closed()


def test_check_closed_after_five_failures_is_refused(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 3.5

    with pytest.raises(GatewayUnavailableError) as refusal:
        breaker.check_closed()

    assert refusal.value.retry_after_seconds == 7


def test_check_closed_five_failures_in_more_than_thirty_seconds(breaker, clock):
    fail(breaker, 1)
    clock.seconds += 30.1
    fail(breaker, 4)

    breaker.check_closed()


def test_check_closed_five_failures_in_exactly_thirty_seconds_is_refused(breaker, clock):
    fail(breaker, 1)
    clock.seconds += 30
    fail(breaker, 4)

    with pytest.raises(GatewayUnavailableError):
        breaker.check_closed()


def test_check_closed_success_between_failures(breaker):
    fail(breaker, 4)
    breaker.record_success()
    fail(breaker, 4)

    breaker.check_closed()


def test_check_closed_after_ten_seconds_lets_one_probe_through(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 10
    breaker.check_closed()

    with pytest.raises(GatewayUnavailableError) as refusal:
        breaker.check_closed()

    assert refusal.value.retry_after_seconds == 10


def test_check_closed_probe_succeeded(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 10
    breaker.check_closed()

    breaker.record_success()

    breaker.check_closed()
    fail(breaker, 4)
    breaker.check_closed()


def test_check_closed_probe_failed(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 10
    breaker.check_closed()

    breaker.record_failure()

    clock.seconds += 9.9
    with pytest.raises(GatewayUnavailableError):
        breaker.check_closed()


def test_check_closed_probe_that_never_came_back_is_followed_by_another(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 10
    breaker.check_closed()

    clock.seconds += 10

    breaker.check_closed()


def test_check_closed_late_failures_do_not_prolong_the_refusal(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 9
    fail(breaker, 3)
    clock.seconds += 1

    breaker.check_closed()


def test_check_closed_of_many_threads_lets_one_probe_through(breaker, clock):
    fail(breaker, 5)
    clock.seconds += 10
    barrier = threading.Barrier(8)
    let_through = []

    def call():
        barrier.wait()
        try:
            breaker.check_closed()
        except GatewayUnavailableError:
            return
        let_through.append(threading.get_ident())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(let_through) == 1


def test_hold_full_is_refused():
    slots = CallSlots(2, wait_seconds=0.05)

    with slots.hold(), slots.hold(), pytest.raises(GatewayUnavailableError) as refusal, slots.hold():
        pass

    assert refusal.value.retry_after_seconds == 1


def test_hold_waits_for_its_turn():
    slots = CallSlots(1, wait_seconds=30)
    is_held, is_served = threading.Event(), threading.Event()

    def call():
        is_held.set()
        with slots.hold():
            is_served.set()

    thread = threading.Thread(target=call)
    with slots.hold():
        thread.start()
        assert is_held.wait(5)
        assert not is_served.is_set()

    assert is_served.wait(5)
    thread.join()


def test_hold_frees_its_slot_after_an_error():
    slots = CallSlots(1, wait_seconds=0.05)
    with pytest.raises(ZeroDivisionError), slots.hold():
        raise ZeroDivisionError

    with slots.hold():
        pass


def test_hold_full_at_a_slow_gateway_is_refused_at_once():
    now = 100.0
    slots = CallSlots(1, wait_seconds=30, clock=lambda: now)

    with slots.hold():
        now += 1.1
        started = time.monotonic()
        with pytest.raises(GatewayUnavailableError), slots.hold():
            pass

    assert time.monotonic() - started < 1

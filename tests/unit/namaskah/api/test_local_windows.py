import sys
import tracemalloc
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namaskah.api.local_windows import LocalWindows
from tests.integration.actors import run_together


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def windows(clock):
    return LocalWindows(clock=clock)


def count_many(windows, key, times):
    return [windows.count(key)[0] for _ in range(times)]


def test_count_goes_up_one_by_one(windows):
    assert count_many(windows, "ada", 4) == [1, 2, 3, 4]


def test_count_of_one_key_is_not_another_s(windows):
    count_many(windows, "ada", 3)

    assert windows.count("bo") == (1, 60)


def test_peek_counts_nothing(windows):
    windows.count("ada")

    assert [windows.peek("ada"), windows.peek("ada"), windows.peek("bo")] == [(1, 60), (1, 60), (0, 60)]


@pytest.mark.parametrize(
    ("now", "seconds_left"), [(600.0, 60), (600.001, 60), (601.0, 59), (630.5, 30), (659.0, 1), (659.999, 1)]
)
def test_count_tells_the_whole_seconds_until_the_window_has_ended(windows, clock, now, seconds_left):
    clock.now = now

    assert windows.count("ada") == (1, seconds_left)
    assert windows.peek("ada") == (1, seconds_left)


def test_count_begins_anew_with_the_window(windows, clock):
    count_many(windows, "ada", 5)

    clock.now = 659.999
    last = windows.count("ada")
    clock.now = 660.0
    first = windows.count("ada")

    assert (last, first) == ((6, 1), (1, 60))


def test_peek_at_a_new_window_is_zero(windows, clock):
    windows.count("ada")
    clock.now = 660.0

    assert windows.peek("ada") == (0, 60)


def test_count_after_the_seconds_that_were_told_is_in_a_new_window(windows, clock):
    clock.now = 612.3
    _, seconds_left = windows.count("ada")
    clock.now += seconds_left

    assert windows.count("ada")[0] == 1


def test_clear_forgets_every_count(windows):
    windows.count("ada")

    windows.clear()

    assert windows.count("ada") == (1, 60)


def test_count_of_100_000_keys_is_bounded_in_memory(windows):
    tracemalloc.start()
    try:
        for number in range(100_000):
            windows.count(("authentication", f"address:{number}"))
        at_half = LocalWindows(max_keys=50_000, clock=Clock())
        before, _ = tracemalloc.get_traced_memory()
        for number in range(50_000):
            at_half.count(("authentication", f"address:{number}"))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # The first 50,000 cost what another 50,000 cost, and those beyond nothing.
    assert before == pytest.approx(after - before, rel=0.05)
    assert before < 20_000_000


def test_count_beyond_the_keys_that_are_told_apart_is_one_for_all(clock):
    windows = LocalWindows(max_keys=2, clock=clock)
    windows.count("ada")
    windows.count("bo")

    others = [windows.count(f"made-up-{number}")[0] for number in range(5)]

    assert others == [1, 2, 3, 4, 5]
    assert windows.peek("never seen") == (5, 60)
    assert windows.count("ada") == (2, 60)


def test_count_tells_keys_apart_again_in_the_next_window(clock):
    windows = LocalWindows(max_keys=1, clock=clock)
    for key in ("ada", "bo", "cy"):
        windows.count(key)
    clock.now = 660.0

    assert windows.count("bo") == (1, 60)


@pytest.mark.parametrize(("threads", "times", "limit"), [(2, 500, 5), (8, 200, 10), (32, 50, 120)])
def test_count_in_threads_at_once_lets_never_more_than_the_limit_through(windows, threads, times, limit):
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        answers = run_together([partial(count_many, windows, "ada", times)] * threads)
    finally:
        sys.setswitchinterval(usual)

    counts = sorted(count for answer in answers for count in answer)
    assert counts == list(range(1, threads * times + 1))
    assert len([count for count in counts if count <= limit]) == limit


@given(
    limit=st.integers(1, 10),
    steps=st.lists(st.floats(0, 45, allow_nan=False), max_size=80),
    start=st.floats(0, 10_000, allow_nan=False),
)
def test_count_over_any_times_lets_a_limit_through_per_window_and_two_within_any_minute(limit, steps, start):
    clock = Clock(start)
    windows = LocalWindows(clock=clock)
    passed = []
    for step in steps:
        clock.now += step
        if windows.count("ada")[0] <= limit:
            passed.append(clock.now)

    for moment in passed:
        assert len([other for other in passed if other // 60 == moment // 60]) <= limit
        assert len([other for other in passed if moment <= other < moment + 60]) <= 2 * limit

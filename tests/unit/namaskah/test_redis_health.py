import pytest
from structlog.testing import capture_logs

from namaskah.redis_health import RedisHealth
from tests.integration.actors import run_together


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return RedisHealth(clock=clock)


def test_is_paused_of_a_new_process_is_false(health):
    assert health.is_paused() is False


def test_note_failure_once_does_not_pause(health):
    health.note_failure()

    assert health.is_paused() is False


def test_note_failure_twice_pauses_for_five_seconds(health, clock):
    health.note_failure()
    health.note_failure()

    paused_at = []
    for seconds in (0.0, 4.999, 5.0):
        clock.now = 1_000.0 + seconds
        paused_at.append(health.is_paused())
    assert paused_at == [True, True, False]


def test_note_failure_a_day_after_another_pauses(health, clock):
    health.note_failure()
    clock.now += 86_400
    health.note_failure()

    assert health.is_paused() is True


def test_note_success_between_two_failures_keeps_asking(health):
    health.note_failure()
    health.note_success()
    health.note_failure()

    assert health.is_paused() is False


def test_note_success_of_a_call_begun_earlier_does_not_end_the_pause(health):
    health.note_failure()
    health.note_failure()
    health.note_success()

    assert health.is_paused() is True


def test_note_failure_of_calls_begun_before_the_pause_does_not_lengthen_it(health, clock):
    for _ in range(2):
        health.note_failure()
    clock.now += 4
    for _ in range(2):
        health.note_failure()
    clock.now += 1

    assert health.is_paused() is False


def test_note_failure_is_a_line_per_pause_in_the_log(health, clock):
    with capture_logs() as lines:
        for _ in range(5):
            health.note_failure()
        clock.now += 5
        for _ in range(2):
            health.note_failure()

    assert lines == [{"event": "redis_not_asked", "seconds": 5.0, "log_level": "warning"}] * 2


def test_note_failure_after_the_pause_counts_anew(health, clock):
    health.note_failure()
    health.note_failure()
    clock.now += 5

    paused = []
    for _ in range(2):
        health.note_failure()
        paused.append(health.is_paused())
    assert paused == [False, True]


def test_note_failure_of_threads_at_once_loses_none(clock):
    rounds = [RedisHealth(clock=clock) for _ in range(50)]

    for health in rounds:
        run_together([health.note_failure, health.note_failure])

    assert [health.is_paused() for health in rounds] == [True] * 50

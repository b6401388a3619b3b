"""Limits while Redis is killed, frozen, full or read-only: each process counts alone, and nobody waits or fails."""

import json
import statistics
import time

import pytest
import redis

from tests.processes.caller import SECONDS_INSIDE, Caller, count_let_through, find_caller, seconds_left, send_together
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

PROCESSES, FAILURES_BEFORE_PAUSE, PAUSE_SECONDS = 2, 2, 5
VERIFY_LIMIT = 10


def _fill_up(valkey):
    connection = redis.Redis.from_url(valkey.url)
    connection.config_set("maxmemory-policy", "noeviction")
    connection.config_set("maxmemory", 1)


def _make_room(valkey):
    redis.Redis.from_url(valkey.url).config_set("maxmemory", 0)


def _make_read_only(valkey):
    redis.Redis.from_url(valkey.url).replicaof("127.0.0.1", "1")


def _make_writable(valkey):
    redis.Redis.from_url(valkey.url).replicaof("NO", "ONE")


WAYS = {
    "killed": (lambda valkey: valkey.stop(), lambda valkey: valkey.start()),
    "frozen": (lambda valkey: valkey.freeze(), lambda valkey: valkey.thaw()),
    "full": (_fill_up, _make_room),
    "read-only": (_make_read_only, _make_writable),
}


@pytest.fixture(params=WAYS)
def outage(request, valkey):
    """Return how Redis goes away and how it comes back."""
    goes_away, comes_back = WAYS[request.param]
    return (lambda: goes_away(valkey)), (lambda: comes_back(valkey))


def wait_until_inside_without_redis(caller):
    """Wait until the windows of the processes, which all begin at one moment, have enough seconds left."""
    wait_until(lambda: seconds_left(caller.read()) >= SECONDS_INSIDE, seconds=30)


def failures_in(seconds):
    """Return how often the processes ask Redis in vain in so many seconds, when one request comes after the other."""
    return PROCESSES * FAILURES_BEFORE_PAUSE * (1 + int(seconds / PAUSE_SECONDS))


def timed(call, times):
    """Return the answers and how long each took."""
    answers, seconds = [], []
    for _ in range(times):
        started = time.monotonic()
        answers.append(call())
        seconds.append(time.monotonic() - started)
    return answers, seconds


def warnings_in(logs):
    lines = [json.loads(line) for line in (logs / "0-gunicorn.log").read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "rate_limit_counted_locally"]


def test_without_redis_each_process_lets_the_limit_through_and_no_more(running_product, outage):
    goes_away, _ = outage
    caller = Caller(running_product.url)
    goes_away()
    wait_until_inside_without_redis(caller)

    passed = 0
    while passed < PROCESSES * VERIFY_LIMIT:
        answers = send_together(caller.verify, 20)
        assert {answer.status_code for answer in answers} <= {404, 429}
        passed += count_let_through(answers)
    afterwards = send_together(caller.verify, 40)

    assert passed == PROCESSES * VERIFY_LIMIT
    assert {answer.status_code for answer in afterwards} == {429}
    assert {1 <= int(answer.headers["Retry-After"]) <= 60 for answer in afterwards} == {True}


def test_without_redis_the_first_answer_takes_a_second_at_most_and_later_ones_do_not_wait(
    running_product, outage, record_property
):
    goes_away, _ = outage
    caller = Caller(running_product.url)
    timed(caller.read, 10)
    _, usual = timed(caller.read, 30)
    goes_away()

    answers, away = timed(caller.read, 60)

    figures = [round(1000 * value) for value in (statistics.median(usual), away[0], statistics.median(away), max(away))]
    record_property("milliseconds", figures)
    print(f"ms: usual p50 {figures[0]}, then first {figures[1]}, p50 {figures[2]}, max {figures[3]}")  # noqa: T201 -- measured
    assert {answer.status_code for answer in answers} == {200}
    assert max(away) < 1
    # Waiting for Redis would be a quarter of a second each time.
    assert statistics.median(away) < statistics.median(usual) + 0.1
    assert len([seconds for seconds in away if seconds > 0.2]) <= failures_in(sum(away))


def test_without_redis_a_warning_says_so_and_not_per_request(running_product, outage, tmp_path):
    goes_away, _ = outage
    caller = Caller(running_product.url)
    goes_away()
    started = time.monotonic()

    answers, _ = timed(caller.read, 60)
    seconds = time.monotonic() - started

    warnings = warnings_in(tmp_path)
    assert {answer.status_code for answer in answers} == {200}
    assert {line["level"] for line in warnings} == {"warning"}
    assert 1 <= len(warnings) <= failures_in(seconds)


def test_without_redis_failed_authentications_are_limited_and_a_valid_key_is_not(running_product, outage):
    goes_away, _ = outage
    caller = Caller(running_product.url)
    goes_away()
    wait_until_inside_without_redis(caller)

    answers = send_together(lambda: caller.read_as("Bearer made-up"), 40)
    answers += send_together(lambda: caller.read_as("Bearer made-up"), 40)

    assert {answer.status_code for answer in answers} == {401, 429}
    assert count_let_through(answers) <= PROCESSES * 30
    assert caller.read().status_code == 200


def test_redis_that_is_back_is_counted_in_by_every_process_within_five_seconds(running_product, outage):
    goes_away, comes_back = outage
    witness = Caller(running_product.url)
    goes_away()
    send_together(witness.read, 20)
    comes_back()

    shared_at = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < shared_at:
        assert {answer.status_code for answer in send_together(witness.read, 4)} <= {200, 429}
    answers = send_together(find_caller(running_product.url).verify, 40)

    assert count_let_through(answers) == VERIFY_LIMIT

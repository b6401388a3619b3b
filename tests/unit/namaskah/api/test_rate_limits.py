"""Limits counted in a real Redis, and in this process when that Redis is gone, full, read-only or talks nonsense."""

import time
from random import Random

import pytest
from django.core.cache import caches
from django_ratelimit import core
from django_redis import get_redis_connection
from structlog.testing import capture_logs

from namaskah import redis_health
from namaskah.api import rate_limits
from namaskah.redis_health import RedisHealth
from tests import steady_windows
from tests.integration.actors import run_together
from tests.processes.valkey import ValkeyServer

LIMIT = 5


@pytest.fixture(autouse=True)
def clock(settings, monkeypatch):
    """The clock that the windows go by, moved by the test alone."""
    # Of the same size, so that nothing but their names tells the two apart.
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "initialize": LIMIT, "verify": LIMIT}
    moved = steady_windows.stop_the_clock(monkeypatch)
    moved.now = 1_790_000_000.0
    return moved


@pytest.fixture
def use_redis(settings):
    """Return what makes the limits live at another Redis."""

    def use(url):
        settings.CACHES = {**settings.CACHES, "limits": {**settings.CACHES["limits"], "LOCATION": url}}

    return use


@pytest.fixture
def valkey(use_redis):
    """A Valkey of the test's own that serves the limits."""
    with ValkeyServer() as server:
        use_redis(server.url)
        yield server


def count(client="user:1", name="initialize"):
    return rate_limits.count(name, client)


def used_by(client="user:1", name="initialize"):
    return rate_limits.peek(name, client).used


def counted_locally(lines):
    return [line for line in lines if line["event"] == "rate_limit_counted_locally"]


def seconds_until_whole(clock):
    """Return the time until the count is zero again, found by moving the clock in tenths of a second."""
    begun = clock.now
    while used_by() > 0:
        clock.now = round(clock.now + 0.1, 1)
    return round(clock.now - begun, 1)


def test_count_lets_the_limit_through_and_no_more():
    usages = [count() for _ in range(LIMIT + 2)]

    assert [usage.used for usage in usages] == [1, 2, 3, 4, 5, 6, 7]
    assert [usage.remaining for usage in usages] == [4, 3, 2, 1, 0, 0, 0]
    assert [usage.is_exceeded for usage in usages] == [False] * 5 + [True] * 2


def test_count_of_a_client_and_of_a_limit_is_not_another_s():
    for _ in range(LIMIT + 1):
        count()

    assert (used_by("user:2"), used_by("address:1"), used_by(name="verify")) == (0, 0, 0)


@pytest.mark.parametrize(("first", "second"), [("user:1", "user:11"), ("user:1", "address:1"), ("user:12", "user:1")])
def test_count_of_clients_whose_names_begin_alike_is_apart(first, second):
    count(first)

    assert (used_by(first), used_by(second)) == (1, 0)


def test_peek_counts_nothing():
    count()

    assert [used_by() for _ in range(3)] == [1, 1, 1]


def test_count_is_in_redis_and_not_in_the_process():
    count()

    keys = get_redis_connection("limits").keys("*")
    assert len(keys) == 1
    assert 60 < get_redis_connection("limits").ttl(keys[0]) <= 65
    for _ in range(2):
        redis_health.health.note_failure()
    assert used_by() == 0


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("second", [0, 1, 29, 58, 59])
def test_count_tells_the_seconds_until_the_quota_is_whole_and_not_one_too_few(clock, second, fraction):
    clock.now += second + fraction

    told = count().seconds_left

    assert told - 1 < seconds_until_whole(clock) <= told


def test_count_at_every_second_of_a_minute_tells_each_of_60_to_1_once(clock):
    told = []
    for _ in range(60):
        told.append(count().seconds_left)
        clock.now += 1

    assert sorted(told) == list(range(1, 61))


def test_count_that_the_edge_of_a_window_overtakes_tells_a_second_and_not_none(clock, monkeypatch):
    clock.now += rate_limits.peek("initialize", "user:1").seconds_left - 0.5
    usual = core._make_cache_key

    def slowly(*arguments):
        clock.now += 1.5
        return usual(*arguments)

    monkeypatch.setattr(core, "_make_cache_key", slowly)

    assert count().seconds_left == 1


def test_windows_of_clients_begin_at_other_seconds(clock):
    told = {count(f"user:{number}").seconds_left for number in range(200)}

    assert len(told) > 50


def test_count_around_an_edge_lets_twice_the_limit_through_and_then_nothing_for_a_minute(clock):
    clock.now += rate_limits.peek("initialize", "user:1").seconds_left - 0.01
    before = [count() for _ in range(LIMIT + 5)]
    clock.now += 0.02
    after = [count() for _ in range(LIMIT + 5)]
    clock.now += 59.9
    late = [count() for _ in range(5)]

    assert [usage.is_exceeded for usage in before].count(False) == LIMIT
    assert [usage.is_exceeded for usage in after].count(False) == LIMIT
    assert [usage.is_exceeded for usage in late] == [True] * 5


def test_count_over_many_windows_lets_never_more_than_a_limit_through_per_window(clock):
    begun, passed, random = clock.now, [], Random(12)
    while clock.now < begun + 20 * 60:
        clock.now += random.choice([0.0, 0.01, 0.5, 3.0])
        if not count().is_exceeded:
            passed.append(clock.now)

    within_a_minute = [len([other for other in passed if moment <= other < moment + 60]) for moment in passed]
    assert max(within_a_minute) <= 2 * LIMIT
    assert 20 * LIMIT <= len(passed) <= 21 * LIMIT


def test_count_in_threads_at_once_loses_none():
    usages = run_together([count] * 40)

    assert sorted(usage.used for usage in usages) == list(range(1, 41))


def test_count_without_redis_goes_on_in_this_process(valkey):
    valkey.stop()

    usages = [count() for _ in range(LIMIT + 1)]

    assert [usage.used for usage in usages] == [1, 2, 3, 4, 5, 6]
    assert [usage.is_exceeded for usage in usages] == [False] * 5 + [True]
    assert {1 <= usage.seconds_left <= 60 for usage in usages} == {True}


def test_count_at_a_frozen_redis_waits_twice_and_then_no_more(valkey):
    valkey.freeze()

    seconds = []
    for _ in range(20):
        started = time.monotonic()
        count()
        seconds.append(time.monotonic() - started)

    assert max(seconds) < 1
    assert [round(second, 3) for second in seconds[2:] if second >= 0.1] == []


def test_count_without_redis_warns_at_most_twice_and_not_per_request(valkey):
    valkey.stop()

    with capture_logs() as lines:
        for _ in range(50):
            count()

    assert [(line["limit"], line["log_level"]) for line in counted_locally(lines)] == [("initialize", "warning")] * 2


def test_peek_without_redis_shows_what_this_process_has_counted(valkey):
    valkey.stop()
    count()
    count()

    assert used_by() == 2


def test_count_without_redis_of_a_flood_of_addresses_takes_nothing_from_users():
    for _ in range(2):
        redis_health.health.note_failure()

    for number in range(60_000):
        rate_limits.count("authentication", f"address:{number}")
    used = [count(f"user:{number}").used for number in range(20)]

    assert used == [1] * 20


def test_count_is_shared_again_once_the_pause_is_over(valkey, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(redis_health, "health", RedisHealth(clock=lambda: now))
    count("user:2")
    valkey.freeze()
    for _ in range(3):
        count("user:2")
    valkey.thaw()

    during = used_by("user:2")
    now += 5

    # Only the process has counted the three, and only Redis the first.
    assert (during, used_by("user:2")) == (3, 1)


def test_count_after_redis_was_emptied_begins_a_fresh_window():
    for _ in range(LIMIT + 1):
        count()

    caches["limits"].clear()

    assert [count().used for _ in range(3)] == [1, 2, 3]


def test_count_that_redis_is_emptied_under_lets_the_request_through(valkey, monkeypatch):
    for _ in range(LIMIT - 1):
        count()
    backend = type(caches["limits"])
    usual = backend.add

    def add_and_lose(cache, *arguments, **options):
        added = usual(cache, *arguments, **options)
        get_redis_connection("limits").flushall()
        return added

    monkeypatch.setattr(backend, "add", add_and_lose)
    during = count()
    monkeypatch.undo()

    assert (during.used, during.limit, during.is_exceeded) == (1, LIMIT, False)
    assert redis_health.health.is_paused() is False


def _fill_up(connection):
    connection.config_set("maxmemory-policy", "noeviction")
    connection.config_set("maxmemory", 1)


def _make_read_only(connection):
    connection.execute_command("REPLICAOF", "127.0.0.1", "1")


def _take_rights_away(connection):
    connection.execute_command("ACL", "SETUSER", "default", "-@all")


@pytest.mark.parametrize("spoil", [_fill_up, _make_read_only, _take_rights_away])
@pytest.mark.parametrize("counted_before", [0, 2])
def test_count_at_a_redis_that_stores_nothing_goes_on_in_this_process(valkey, spoil, counted_before):
    for _ in range(counted_before):
        count()
    spoil(get_redis_connection("limits"))

    with capture_logs() as lines:
        usages = [count() for _ in range(LIMIT + 1)]

    assert [usage.used for usage in usages] == [1, 2, 3, 4, 5, 6]
    assert len(counted_locally(lines)) == 2
    assert redis_health.health.is_paused() is True


def test_count_that_succeeds_forgets_an_earlier_failure(valkey):
    redis_health.health.note_failure()
    rate_limits.count("reads", "user:1")
    redis_health.health.note_failure()

    assert redis_health.health.is_paused() is False


def test_count_leaves_one_line_for_all_that_is_too_much():
    with capture_logs() as lines:
        for _ in range(LIMIT + 3):
            rate_limits.count("initialize", "user:1")

    assert [(line["event"], line["client"]) for line in lines] == [("rate_limit_reached", "user:1")]

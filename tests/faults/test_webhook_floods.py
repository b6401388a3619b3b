"""Bad signatures as fast as they come, through gunicorn, while the gateway delivers from the same address."""

import http.client
import itertools
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from payments.models import WebhookEvent
from tests.events import charge_success, sign
from tests.processes import product
from tests.processes.product import WEBHOOK_PATH
from tests.waiting import wait_until

THREADS, REQUESTS, BETWEEN_GOOD = 2, 3_000, 50
GOOD = REQUESTS // BETWEEN_GOOD
LIMIT = 60
# Longer than a flood takes, so that it does not go on into another window.
SECONDS_INSIDE = 30
BODY_BYTES = 16 * 1024
MEBIBYTE = 1024 * 1024

pytestmark = [pytest.mark.faults, pytest.mark.alone]


@dataclass(frozen=True)
class Answer:
    is_good: bool
    status: int
    seconds: float
    headers: http.client.HTTPMessage


class Flood:
    """The web server with one worker, which counts alone, and what is thrown at it."""

    def __init__(self, running, process, log):
        self._address = urlsplit(running.url).netloc
        self._process = process
        self._log = log
        self._numbers = itertools.count(1)

    def throw(self):
        """Send from two threads at once, a good delivery among each fifty; return the answers."""
        with ThreadPoolExecutor(THREADS) as pool:
            parts = [pool.submit(self._throw_part) for _ in range(THREADS)]
            return [answer for part in parts for answer in part.result()]

    def wait_until_inside(self):
        """Wait until the window has enough seconds left; the last look is a bad signature in it."""
        wait_until(lambda: _seconds_left(self._send_once()) >= SECONDS_INSIDE, seconds=SECONDS_INSIDE + 5)

    def logged(self):
        """Return how often each thing stands in the log: a request by its status, anything else by its text."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return Counter(line.get("status", line["event"]) for line in lines)

    def worker_bytes(self):
        """Return the memory of the one worker."""
        [worker] = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        status = Path(f"/proc/{worker}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def end(self):
        """Stop the server as a deployment does; what it did in the database is counted with that."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def _throw_part(self):
        http_connection = http.client.HTTPConnection(self._address, timeout=30)
        answers = [
            self._send(http_connection, is_good=number % BETWEEN_GOOD == 0) for number in range(REQUESTS // THREADS)
        ]
        http_connection.close()
        return answers

    def _send_once(self):
        http_connection = http.client.HTTPConnection(self._address, timeout=30)
        answer = self._send(http_connection, is_good=False)
        http_connection.close()
        return answer

    def _send(self, http_connection, *, is_good):
        number = next(self._numbers)
        raw = charge_success(reference=f"nmk-{number}", amount_minor=100, transaction_id=number).ljust(BODY_BYTES)
        # Each seems to come from an address of its own.
        headers = {
            "X-Forwarded-For": f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}",
            "X-Paystack-Signature": sign(raw) if is_good else "0" * 128,
        }
        started = time.monotonic()
        http_connection.request("POST", WEBHOOK_PATH, raw, headers)
        answer = http_connection.getresponse()
        answer.read()
        return Answer(is_good, answer.status, time.monotonic() - started, answer.headers)


@pytest.fixture
def start_flood(transactional_db, valkey, tmp_path):
    """Return what starts the web server behind so many proxies."""
    with ExitStack() as stack:

        def start(*, proxies):
            running = stack.enter_context(
                product.running(
                    redis_url=valkey.url,
                    paystack_url="http://127.0.0.1:1",
                    logs=tmp_path,
                    environment={"WEB_CONCURRENCY": "1", "TRUSTED_PROXY_COUNT": str(proxies)},
                )
            )
            return Flood(running, running.start_web(), tmp_path / "0-gunicorn.log")

        yield start


def statuses(answers, *, is_good):
    return Counter(answer.status for answer in answers if answer.is_good is is_good)


def test_flood_from_one_address_is_limited_and_unlogged_and_never_holds_up_the_gateway(start_flood):
    flood = start_flood(proxies=0)
    flood.wait_until_inside()
    logged_before = flood.logged()

    answers = flood.throw()

    assert statuses(answers, is_good=True) == {200: GOOD}
    assert max(answer.seconds for answer in answers if answer.is_good) < 1
    assert statuses(answers, is_good=False) == {401: LIMIT - 1, 429: REQUESTS - GOOD - (LIMIT - 1)}
    assert {int(answer.headers["Retry-After"]) <= 60 for answer in answers if answer.status == 429} == {True}
    assert flood.logged() - logged_before == {200: GOOD, 401: LIMIT - 1, "rate_limit_reached": 1}
    assert WebhookEvent.objects.count() == GOOD


def test_flood_asks_nothing_of_the_database(start_flood):
    commits_before = _count_commits()
    flood = start_flood(proxies=1)

    answers = flood.throw()

    flood.end()
    assert statuses(answers, is_good=False) == {401: REQUESTS - GOOD}
    # The good ones, the server's start and its end make some 200; a statement for each bad one would make 2,940 more.
    assert _count_commits() - commits_before < REQUESTS // 5


def test_flood_from_ever_new_addresses_is_told_what_is_wrong_and_takes_no_memory(start_flood):
    flood = start_flood(proxies=1)
    flood.throw()
    before = flood.worker_bytes()

    answers = flood.throw()

    assert statuses(answers, is_good=True) == {200: GOOD}
    assert max(answer.seconds for answer in answers if answer.is_good) < 1
    assert statuses(answers, is_good=False) == {401: REQUESTS - GOOD}
    # The bodies together are 48 MiB.
    assert flood.worker_bytes() - before < 8 * MEBIBYTE


def _seconds_left(answer):
    return int(answer.headers["RateLimit"].rpartition("t=")[2])


def _count_commits():
    """Return how many transactions of the test's database were committed, asked from another database."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [connection.settings_dict["NAME"]]
        )
        return cursor.fetchone()[0]

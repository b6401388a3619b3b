"""Limits at a server that answers, and not as a Redis should."""

import socket
import socketserver
import threading
import time

import pytest

from namaskah import redis_health
from namaskah.api import rate_limits
from tests import steady_windows
from tests.processes.valkey import ValkeyServer

LIMIT = 5
GREETINGS = (b"HELLO", b"SETINFO", b"SELECT", b"MAINT")

NONSENSE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b":many\r\n",
    b"$many\r\n",
    b"*many\r\n",
    b"$3\r\nyes\r\n",
    b"+\xff\r\n",
    b"*0\r\n",
    b"*1000000000\r\n",
    b"\x00\x00\x00\r\n",
    b"\r\n",
    b"-ERR no\r\n",
    b"-LOADING not yet\r\n",
    b"-NOAUTH who are you\r\n",
    b"-MOVED 1 127.0.0.1:1\r\n",
    b"",
]


class Nonsense(socketserver.BaseRequestHandler):
    """Answers every command with the same bytes; with none, it hangs up."""

    def handle(self):
        while command := self.request.recv(65536):
            is_greeting = self.server.is_polite and any(greeting in command for greeting in GREETINGS)
            self.request.sendall(b"+OK\r\n" if is_greeting else self.server.answer)
            if not self.server.answer:
                return


class Slow(socketserver.BaseRequestHandler):
    """Passes on what a Valkey answers, each time just before a client would give up."""

    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.valkey_port)) as behind:
            while command := self.request.recv(65536):
                behind.sendall(command)
                answer = behind.recv(65536)
                self.server.never.wait(self.server.seconds)
                self.request.sendall(answer)


@pytest.fixture(autouse=True)
def _limit(settings, monkeypatch):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "initialize": LIMIT}
    steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def serve(settings):
    """Return what makes a server of the test's the Redis of the limits."""
    servers = []

    def start(handler, **state):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads, server.never = True, threading.Event()
        vars(server).update(state)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        settings.CACHES = {**settings.CACHES, "limits": {**settings.CACHES["limits"], "LOCATION": url}}

    yield start
    for server in servers:
        server.never.set()
        server.shutdown()
        server.server_close()


def timed(call):
    started = time.monotonic()
    return call(), time.monotonic() - started


@pytest.mark.parametrize("is_polite", [True, False])
@pytest.mark.parametrize("answer", NONSENSE)
def test_count_at_a_redis_that_talks_nonsense_goes_on_in_this_process(serve, answer, is_polite):
    serve(Nonsense, answer=answer, is_polite=is_polite)

    timings = [timed(lambda: rate_limits.count("initialize", "user:1")) for _ in range(LIMIT + 1)]

    assert [usage.used for usage, _ in timings] == [1, 2, 3, 4, 5, 6]
    assert max(seconds for _, seconds in timings) < 1
    assert redis_health.health.is_paused() is True


@pytest.mark.parametrize("answer", NONSENSE)
def test_peek_at_a_redis_that_talks_nonsense_shows_what_this_process_has_counted(serve, answer):
    serve(Nonsense, answer=answer, is_polite=True)
    rate_limits.count_locally(rate_limits.local_windows["initialize"], "initialize", "user:1")

    assert rate_limits.peek("initialize", "user:1").used == 1


def test_count_at_a_slow_redis_asks_twice_and_then_waits_no_more(serve):
    with ValkeyServer() as valkey:
        serve(Slow, valkey_port=int(valkey.url.split(":")[2].split("/")[0]), seconds=0.2)

        timings = [timed(lambda: rate_limits.count("initialize", "user:1")) for _ in range(20)]

    assert [usage.is_exceeded for usage, _ in timings[:4]] == [False] * 4
    assert max(seconds for _, seconds in timings) < 1
    assert [round(seconds, 3) for _, seconds in timings[3:] if seconds > 0.1] == []

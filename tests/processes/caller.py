"""An API client that is after the limits: it makes a connection for each request, so that every process gets some."""

import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from django.contrib.auth.models import User
from django.utils import timezone

from namaskah.api_keys.services import issue_api_key

INITIALIZE = "/api/v1/payments/initialize"
VERIFY = "/api/v1/payments/verify"
BALANCE = "/api/v1/billing/balance"
# What a test sends is sent by then, on a machine that is busy with others too.
SECONDS_INSIDE = 20
_TRIES = 300

Headers = Iterable[tuple[str, str]]


class Caller:
    def __init__(self, url: str, *, address: str = "127.0.0.1", secret: str | None = None) -> None:
        transport = httpx.HTTPTransport(
            local_address=address, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
        )
        self._http = httpx.Client(base_url=url, transport=transport, timeout=30)
        self.url = url
        self.secret = secret or _issue_key()

    def read(self, headers: Headers = ()) -> httpx.Response:
        return self._http.get(BALANCE, headers=[*self._authorization(), *headers])

    def verify(self, headers: Headers = ()) -> httpx.Response:
        """Ask for a payment that does not exist: 404, or 429 above the limit."""
        return self._http.post(VERIFY, json={"reference": "nmk-0"}, headers=[*self._authorization(), *headers])

    def initialize(self) -> httpx.Response:
        headers = [*self._authorization(), ("Idempotency-Key", str(uuid4()))]
        return self._http.post(INITIALIZE, json={"amount_usd": "25.00"}, headers=headers)

    def read_as(self, *authorization: str, headers: Headers = ()) -> httpx.Response:
        """Read with other credentials than the client's own, or with several."""
        return self._http.get(BALANCE, headers=[*(("Authorization", value) for value in authorization), *headers])

    def _authorization(self) -> list[tuple[str, str]]:
        return [("Authorization", f"Bearer {self.secret}")]


def find_caller(url: str, is_wanted: Callable[[int], bool] = lambda seconds: seconds >= SECONDS_INSIDE) -> Caller:
    """Return a new user's client whose window has as many seconds left as wanted: windows differ by user."""
    for _ in range(_TRIES):
        caller = Caller(url)
        if is_wanted(seconds_left(caller.read())):
            return caller
    raise AssertionError(f"none of {_TRIES} users has a window as wanted")


def seconds_left(answer: httpx.Response) -> int:
    """Return the `t` of an answer."""
    told = re.fullmatch(r'"[a-z]+";r=[0-9]+;t=([0-9]+)', answer.headers["RateLimit"])
    assert told is not None, answer.headers
    return int(told[1])


def send_together(call: Callable[[], Any], times: int) -> list[Any]:
    """Make the calls at once; return what each returned."""
    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(times)]]


def count_let_through(answers: Iterable[httpx.Response]) -> int:
    """Return how many were not refused for the limit."""
    return len([answer for answer in answers if answer.status_code != httpx.codes.TOO_MANY_REQUESTS])


def send_raw(url: str, request: str) -> int:
    """Send a request as it is written, with `\\n` for line ends, and return the status of the answer."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        line = connection.makefile("rb").readline()
    return int(line.split()[1])


def _issue_key() -> str:
    user = User.objects.create_user(f"user-{uuid4()}", email="ada@example.com")
    _, secret = issue_api_key(user=user, name="test", expires_in=None, by=None, now=timezone.now())
    return secret

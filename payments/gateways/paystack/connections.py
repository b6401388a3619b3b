"""What one process keeps for its calls of Paystack, made at the first of them."""

import os
from dataclasses import dataclass, field

import httpx
from django.conf import settings

from payments.gateways.breaker import CallSlots, CircuitBreaker
from payments.gateways.paystack.deadlines import DeadlineTransport


@dataclass(frozen=True, slots=True)
class _Configuration:
    base_url: str
    secret_key: str = field(repr=False)
    connect_seconds: float
    read_seconds: float
    concurrency: int

    @property
    def total_seconds(self) -> float:
        return self.connect_seconds + self.read_seconds


class Connection:
    """What the threads of one process share for their calls."""

    def __init__(self, configuration: _Configuration) -> None:
        self.configuration = configuration
        self.breaker = CircuitBreaker()
        self.slots = CallSlots(configuration.concurrency)
        self.http = httpx.Client(
            base_url=configuration.base_url,
            headers={
                "Authorization": f"Bearer {configuration.secret_key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "namaskah",
            },
            timeout=httpx.Timeout(configuration.read_seconds, connect=configuration.connect_seconds),
            transport=DeadlineTransport(max_connections=configuration.concurrency),
            # No proxy, certificate or ~/.netrc of the environment comes between us and Paystack.
            trust_env=False,
            follow_redirects=False,
        )


# Keyed by process, because a child that shares its parent's sockets after a fork mixes up their answers.
_connections: dict[tuple[int, _Configuration], Connection] = {}


def get_connection() -> Connection:
    """Return this process's connection under the settings of now, made at the first call."""
    configuration = _Configuration(
        base_url=settings.PAYSTACK_BASE_URL,
        secret_key=settings.PAYSTACK_SECRET_KEY,
        connect_seconds=settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS,
        read_seconds=settings.PAYSTACK_READ_TIMEOUT_SECONDS,
        concurrency=settings.GATEWAY_CONCURRENCY,
    )
    key = (os.getpid(), configuration)
    # Of two threads that come first together one throws its own away, unused.
    return _connections.get(key) or _connections.setdefault(key, Connection(configuration))


def close_connections() -> None:
    """Close what this process holds open, and forget what its breaker has seen."""
    for key in list(_connections):
        if key[0] == os.getpid():
            _connections.pop(key).http.close()

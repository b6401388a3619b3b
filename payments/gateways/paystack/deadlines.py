"""A deadline for a whole call, which httpx does not have.

Its read time-out starts anew with every byte, so that a server that drips keeps a thread for hours.
"""

import functools
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

_deadline: ContextVar[float | None] = ContextVar("gateway_deadline", default=None)


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """End every read, write and connect of this thread `seconds` from now at the latest."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def get_seconds_left() -> float:
    """Return the time until the deadline; without one, for ever."""
    deadline = _deadline.get()
    return float("inf") if deadline is None else deadline - time.monotonic()


@functools.cache
def _read_certificates() -> SSLContext:
    """Return what TLS checks servers against; reading it takes 20 ms, and connections may share it."""
    return httpx.create_ssl_context(trust_env=False)


class DeadlineTransport(httpx.HTTPTransport):
    """HTTP over connections that keep the deadline of the thread that uses them."""

    def __init__(self, *, max_connections: int) -> None:
        context = _read_certificates()
        super().__init__(verify=context, trust_env=False)
        # httpx hands no network backend on to its pool, so the pool is replaced.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            keepalive_expiry=5.0,
            network_backend=_DeadlineBackend(),
        )


class _DeadlineBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _cut(timeout, otherwise=httpcore.ConnectTimeout)
        return _DeadlineStream(self._backend.connect_tcp(host, port, seconds, local_address, socket_options))


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _cut(timeout, otherwise=httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _cut(timeout, otherwise=httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _cut(timeout, otherwise=httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _cut(timeout: float | None, *, otherwise: type[httpcore.TimeoutException]) -> float:
    """Return `timeout` or what is left of the deadline, whichever is less."""
    left = get_seconds_left()
    if left <= 0:
        raise otherwise("the deadline of the call has passed")
    return left if timeout is None else min(timeout, left)

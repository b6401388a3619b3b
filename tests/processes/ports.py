"""Ports for the servers that tests start."""

import itertools
import os
import socket
from typing import Final

# Below those that systems hand out by themselves to whoever connects somewhere: nobody takes one of these before its
# server listens. Each process of tests that run side by side has a part of its own.
_FIRST: Final = 10_000
_PART: Final = 4_000
_worker: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers: Final = itertools.count(os.getpid())


def find_free_port() -> int:
    """Return a port of this process's part on which nobody listens; no two calls return the same."""
    for number in _numbers:
        port = _FIRST + _worker * _PART + number % _PART
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("numbers end")

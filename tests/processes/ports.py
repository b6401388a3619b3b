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
# Every port of the part in its turn, so that one that was given away is not given again soon.
_ports: Final = itertools.cycle(range(_FIRST + _worker * _PART, _FIRST + (_worker + 1) * _PART))


def find_free_port() -> int:
    """Return the next port of this process's part on which nobody listens."""
    return next(filter(_is_free, _ports))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

"""Deliveries as the gateway makes them, and its own list of those that were acknowledged."""

import hashlib
import threading
import time

from tests.events import sign
from tests.processes.persistence import Request, send
from tests.processes.product import WEBHOOK_PATH

_PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.05


class Acknowledged:
    """Sends events until they are acknowledged; `digests` are the SHA-256 of their bodies."""

    def __init__(self, url: str) -> None:
        self._url = url + WEBHOOK_PATH
        self._lock = threading.Lock()
        self.digests: list[bytes] = []

    def deliver(self, raw: bytes) -> None:
        """Send the event until it is acknowledged, and write that down; only exactly 200 counts."""
        request = Request(self._url, raw, {"x-paystack-signature": sign(raw), "Content-Type": "application/json"})
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while (status := send(request).status) != 200:
            assert time.monotonic() < give_up_at, f"not acknowledged within {_PATIENCE_SECONDS} s, but {status}"
            # A gateway waits between its attempts.
            time.sleep(_PAUSE_SECONDS)
        with self._lock:
            self.digests.append(hashlib.sha256(raw).digest())

"""One attempt at delivering an event."""

import contextlib
import http.client
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from devtools.sandbox.ledger.tables import StoredEvent
from devtools.sandbox.webhooks.signatures import HEADER


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt; no `status` means that no answer came, and `error` says why."""

    status: int | None
    milliseconds: float
    error: str


class Post:
    """A POST that another thread can cut off."""

    def __init__(self, url: str, event: StoredEvent, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        # Neither follows redirects, which for Paystack are failures as well.
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout_seconds)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._event = event

    def send(self) -> Outcome:
        """Send it and read the status; the body of the answer means nothing."""
        headers = {"content-type": "application/json", "user-agent": "Paystack/2.0"}
        if self._event.signature is not None:
            headers[HEADER] = self._event.signature
        began = time.perf_counter()
        status, error = None, ""
        with contextlib.closing(self._connection) as connection:
            try:
                connection.request("POST", self._target, self._event.body, headers)
                with connection.getresponse() as response:
                    status = response.status
            except (OSError, http.client.HTTPException) as failure:
                error = f"{type(failure).__name__}: {failure}"
        return Outcome(status, round((time.perf_counter() - began) * 1000, 1), error)

    def cut_off(self) -> None:
        """Break the connection under the thread that waits for the answer."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

"""A webhook endpoint that remembers what came and answers as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """Answers with the statuses it was given in turn, the last of them for ever."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[bytes, str | None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    gate: threading.Event = field(default_factory=threading.Event)

    def take(self, body: bytes, signature: str | None) -> int:
        with self.lock:
            self.received.append((body, signature))
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.receiver.take(body, self.headers["x-paystack-signature"])
        self.receiver.gate.wait()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of a sender that was cut off."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.gate.set()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with _Server(("127.0.0.1", 0), handler) as listening:
        receiver.url = f"http://127.0.0.1:{listening.server_address[1]}/webhook"
        thread = threading.Thread(target=listening.serve_forever, args=[0.01])
        thread.start()
        try:
            yield receiver
        finally:
            receiver.gate.set()
            listening.shutdown()
            thread.join()

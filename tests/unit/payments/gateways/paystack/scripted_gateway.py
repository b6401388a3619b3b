"""An HTTP server on this machine that misbehaves as told."""

import gzip
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["_Handler"], None]


@dataclass
class ReceivedRequest:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class ScriptedGateway:
    """Plays the behaviours it was given in turn, the last of them for ever."""

    url: str
    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[ReceivedRequest] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    def take_behaviour(self, request: ReceivedRequest) -> Behaviour:
        with self.lock:
            self.requests.append(request)
            return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: ScriptedGateway

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        request = ReceivedRequest(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            peer=self.client_address,
        )
        self.gateway.take_behaviour(request)(self)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *arguments: object) -> None:
        """Say nothing of clients that hang up: that is what is tested."""


@contextmanager
def run_scripted_gateway() -> Iterator[ScriptedGateway]:
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    gateway = ScriptedGateway(url=f"http://127.0.0.1:{server.server_address[1]}")
    handler.gateway = gateway
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield gateway
    finally:
        gateway.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(status: int, body: Any, **headers: str) -> Behaviour:
    """Answer with `body`, as JSON unless it is bytes; `x_y` names the header `x-y`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def behave(handler: _Handler) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return behave


def gzipped(status: int, content: bytes) -> Behaviour:
    return answer(status, gzip.compress(content), content_encoding="gzip")


def reset(handler: _Handler) -> None:
    """Break the connection after the request was read."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def hang_up(handler: _Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def hang(handler: _Handler) -> None:
    """Say nothing until the test is over."""
    handler.gateway.stopped.wait()
    handler.close_connection = True


def send_half(handler: _Handler) -> None:
    """Promise a body and send its first half."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"status": true, ')
    handler.close_connection = True


def drip_body(handler: _Handler) -> None:
    """Send a byte of the body now and then, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    _drip(handler)


def drip_head(handler: _Handler) -> None:
    """Send a byte of a header now and then, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    _drip(handler)


def _drip(handler: _Handler) -> None:
    handler.close_connection = True
    while not handler.gateway.stopped.wait(0.05):
        handler.wfile.write(b" ")


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Take this long before doing it."""

    def behave(handler: _Handler) -> None:
        handler.gateway.stopped.wait(seconds)
        behaviour(handler)

    return behave

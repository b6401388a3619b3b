"""Requests read from connections, and answers written to them."""

import contextlib
import ipaddress
import socket
import sys
import threading
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from devtools.sandbox.faults.playing import play
from devtools.sandbox.refusals import Refusal, not_found
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request, json_answer
from devtools.sandbox.web.routes import ROUTES
from devtools.sandbox.web.wire import Wire

_BODY_LIMIT: Final = 1024 * 1024


class SandboxServer(ThreadingHTTPServer):
    """A thread per connection, all of which end when the server closes."""

    request_queue_size = 512
    daemon_threads = False

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that one that is kept alive can be ended."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up; everything else is a defect of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """End every connection and wait for its thread."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        """Answer a request."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a request."""
        self._serve()

    def do_PUT(self) -> None:
        """Answer a request."""
        self._serve()

    def do_DELETE(self) -> None:
        """Answer a request."""
        self._serve()

    def log_message(self, *_: object) -> None:
        """Stay silent: the ledger tells what happened."""

    def _serve(self) -> None:
        request = self._read()
        wire = Wire(self.connection, self.server.sandbox.stopped)
        answer = respond(self.server.sandbox, request, wire) if request else _too_large()
        if request is None or answer is None:
            self.close_connection = True
        if answer is not None:
            self.wfile.write(answer.head() + answer.body)

    def _read(self) -> Request | None:
        """Read the request; None if its body is larger than anything meant for us."""
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _BODY_LIMIT:
            return None
        target = urlsplit(self.path)
        return Request(
            method=self.command,
            path=target.path,
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
            peer=str(self.client_address[0]),
        )


def respond(sandbox: Sandbox, request: Request, wire: Wire) -> Answer | None:
    """Answer a request; None if the connection is to end without another byte."""
    for route in ROUTES:
        parts = route.match(request.method, request.path)
        if parts is None:
            continue
        routed = replace(request, parts=parts)
        if route.operation is not None:
            return play(sandbox, routed, wire, operation=route.operation, handle=route.handle)
        try:
            _check_allowed(routed)
            return route.handle(sandbox, routed)
        except Refusal as refusal:
            return json_answer(refusal.as_body(), status=refusal.status)
    return json_answer(not_found("Page").as_body(), status=HTTPStatus.NOT_FOUND)


def _check_allowed(request: Request) -> None:
    """Keep control of the sandbox on this machine.

    :raises Refusal: if the request comes from another.
    """
    if request.path.startswith("/sandbox/") and not ipaddress.ip_address(request.peer).is_loopback:
        raise Refusal("The sandbox is controlled from its own machine only", status=HTTPStatus.FORBIDDEN)


def _too_large() -> Answer:
    return json_answer(Refusal("Request entity too large").as_body(), status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

"""A proxy in front of Postgres that loses the answer to a COMMIT: it is done, and nobody is told.

It reads the messages that go by (https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from django.db import connection

from tests.processes import product

_CLAIM = b'INSERT INTO "idempotency_keys"'
_QUERY = b"Q"
_COMMAND_COMPLETE = b"C"
_READY = b"Z"


@dataclass
class Loss:
    """One answer to lose: of the first commit of something that contains `text`, in the request about `subject`.

    `subject` stands in the same database transaction, or is the Idempotency-Key of the request.
    `lost` is what Postgres said, once it is lost.
    """

    subject: bytes
    text: bytes
    lost: bytes = b""


class CommitProxy:
    """The proxy, and the losses that it is armed with."""

    def __init__(self) -> None:
        self._losses: list[Loss] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), partial(_Session, self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], name="commit-proxy")

    @property
    def database_url(self) -> str:
        """Return the URL of the test database by way of this proxy."""
        return product.database_url(proxy_port=self._server.server_address[1])

    def lose(self, *, subject: str, text: str) -> Loss:
        """Lose one answer, once."""
        loss = Loss(subject.encode(), text.encode())
        with self._lock:
            self._losses.append(loss)
        return loss

    def take(self, *, claim: bytes, committed: bytes) -> Loss | None:
        """Return the loss that is planned for a commit, which uses it up."""
        with self._lock:
            fitting = (loss for loss in self._losses if loss.text in committed and loss.subject in claim + committed)
            loss = next(fitting, None)
            if loss is not None:
                self._losses.remove(loss)
            return loss

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 64


class _Session(socketserver.BaseRequestHandler):
    """One connection of the product, and ours to Postgres for it."""

    request: socket.socket

    def __init__(self, proxy: CommitProxy, *arguments: object) -> None:
        self._proxy = proxy
        self._claim = b""
        self._transaction: list[bytes] | None = None
        self._loss: Loss | None = None
        super().__init__(*arguments)  # type: ignore[arg-type]  # -- what the server hands to every handler

    def handle(self) -> None:
        # An answer is several small messages, each of which would wait for the one before it to be acknowledged.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with _connect() as self._postgres:
            answering = threading.Thread(target=self._answer, name="commit-proxy-answers")
            answering.start()
            with contextlib.suppress(OSError):
                self._ask()
            _end(self._postgres)
            answering.join()

    def _ask(self) -> None:
        """Hand on what the product asks, and notice the commits."""
        with self.request.makefile("rb") as asked:
            # The start-up message alone has no type.
            size = asked.read(4)
            self._postgres.sendall(size + asked.read(int.from_bytes(size) - 4))
            for kind, message in _messages(asked):
                if kind == _QUERY:
                    self._note(message[5:].rstrip(b"\x00"))
                self._postgres.sendall(message)

    def _note(self, statement: bytes) -> None:
        if _CLAIM in statement:
            self._claim = statement
        if statement == b"BEGIN":
            self._transaction = []
        elif statement == b"COMMIT" or self._transaction is None:
            committed = b"\n".join([*(self._transaction or []), statement])
            self._loss = self._proxy.take(claim=self._claim, committed=committed)
            self._transaction = None
        elif statement == b"ROLLBACK":
            self._transaction = None
        else:
            self._transaction.append(statement)

    def _answer(self) -> None:
        """Hand on what Postgres answers, until an answer is to be lost."""
        with contextlib.suppress(OSError), self._postgres.makefile("rb") as answered:
            for kind, message in _messages(answered):
                if self._loss is None:
                    self.request.sendall(message)
                elif kind == _COMMAND_COMPLETE:
                    self._loss.lost = message[5:].rstrip(b"\x00")
                elif kind == _READY:
                    break
        _end(self.request)


def _messages(stream: object) -> Iterator[tuple[bytes, bytes]]:
    """Read messages of a type and a length until the stream ends."""
    while len(head := stream.read(5)) == 5:
        yield head[:1], head + stream.read(int.from_bytes(head[1:]) - 4)


def _connect() -> socket.socket:
    settings = connection.settings_dict
    host = settings["HOST"] or settings["OPTIONS"].get("host", "")
    port = int(settings["PORT"] or 5432)
    if not host.startswith("/"):
        postgres = socket.create_connection((host, port))
        postgres.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return postgres
    postgres = socket.socket(socket.AF_UNIX)
    postgres.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return postgres


def _end(ended: socket.socket) -> None:
    with contextlib.suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)

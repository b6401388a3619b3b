"""The sandbox itself: what can be done to it, from Python as well as through its control API."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, TypeVar

from devtools.sandbox.clock import now_text
from devtools.sandbox.faults.deliveries import DELIVERY_FAULTS, Sending
from devtools.sandbox.faults.scripts import WEBHOOK, ScriptBook
from devtools.sandbox.ledger import disputing, payments, refunding, tables
from devtools.sandbox.ledger.database import Condition, Database
from devtools.sandbox.ledger.payments import Payment
from devtools.sandbox.ledger.tables import Attempt, Dispute, Refund, StoredEvent, Transaction
from devtools.sandbox.refusals import not_found
from devtools.sandbox.settings import Settings
from devtools.sandbox.web.messages import to_json
from devtools.sandbox.webhooks import bodies
from devtools.sandbox.webhooks.sender import Sender
from devtools.sandbox.webhooks.signatures import sign

Record = TypeVar("Record")


class Sandbox:
    """A Paystack of one's own; `url` is set once it listens.

    Whatever sends events takes `deliveries`, how many times the same signed event is sent, and `wait`,
    whether to return only after the first attempt of each. All of it may raise `Refusal`.
    """

    def __init__(self, settings: Settings, database: str) -> None:
        self.settings = settings
        self.url = ""
        self.stopped = threading.Event()
        self.scripts = ScriptBook()
        self.database = Database(database, tables.ALL)
        self._sender = Sender(settings, self.database)
        # By payment: events that wait for the next one.
        self._held: dict[str, list[tuple[StoredEvent, int]]] = {}

    def close(self) -> None:
        """End what runs in the background."""
        self.stopped.set()
        self._sender.close()

    def pay(self, reference: str, *, deliveries: int = 1, wait: bool = True, **payment: Any) -> dict[str, Any]:
        """Do what a payer does on the checkout page; `payment` are the fields of `Payment`."""
        with self.database.work() as connection:
            transaction = _known(payments.find_by_reference(connection, reference), "Transaction")
            paid = payments.pay(connection, transaction, Payment(**payment))
            event = self._store(connection, reference, bodies.charge_success(paid)) if paid.is_paid else None
        return {"transaction": asdict(paid), "deliveries": self._send(event, deliveries, wait=wait)}

    def deliver(
        self, reference: str, *, event: str | None = None, times: int = 1, wait: bool = True
    ) -> list[dict[str, Any]]:
        """Send the newest event of a reference again, or its newest by the name of `event`."""
        named: list[Condition] = [("event = ?", event)] if event else []
        with self.database.work() as connection:
            stored = _known(tables.events.find(connection, ("reference = ?", reference), *named), "Event")
        return self._send(stored, times, wait=wait, is_by_hand=True)

    def send_event(
        self, body: object = None, *, raw: str | bytes | None = None, signed: bool = True, deliveries: int = 1
    ) -> list[dict[str, Any]]:
        """Send any event: `body` as JSON, or `raw` as it is."""
        content = to_json(body) if raw is None else raw.encode(errors="replace") if isinstance(raw, str) else raw
        with self.database.work() as connection:
            event = self._store(connection, "", content, signed=signed)
        return self._send(event, deliveries, wait=True)

    def move_refund(self, number: int, status: str, *, deliveries: int = 1, wait: bool = True) -> dict[str, Any]:
        """Record how far a refund has come, and tell."""
        with self.database.work() as connection:
            refund = refunding.move_refund(
                connection, _known(tables.refunds.find(connection, ("id = ?", number)), "Refund"), status
            )
            transaction = _transaction_of(connection, refund)
            event = self._store(connection, refund.reference, bodies.refund_moved(refund, transaction))
        return {"refund": asdict(refund), "deliveries": self._send(event, deliveries, wait=wait)}

    def request_refund(self, transaction: str, **terms: Any) -> tuple[Refund, Transaction]:
        """Queue a refund as `POST /refund` does, and tell; `terms` are those of `refunding.request_refund`."""
        with self.database.work() as connection:
            found = _known(payments.find_by_any(connection, transaction), "Transaction", HTTPStatus.BAD_REQUEST)
            refund = refunding.request_refund(connection, found, **terms)
            event = self._store(connection, found.reference, bodies.refund_moved(refund, found))
        self._send(event, 1, wait=False)
        return refund, found

    def open_dispute(self, reference: str, *, deliveries: int = 1, wait: bool = True, **terms: Any) -> dict[str, Any]:
        """Dispute a payment, and tell; `terms` are those of `disputing.open_dispute`."""
        with self.database.work() as connection:
            transaction = _known(payments.find_by_reference(connection, reference), "Transaction")
            dispute = disputing.open_dispute(connection, transaction, **terms)
            event = self._store(connection, reference, bodies.dispute_changed("create", dispute, transaction))
        return {"dispute": asdict(dispute), "deliveries": self._send(event, deliveries, wait=wait)}

    def remind_of_dispute(self, number: int, *, deliveries: int = 1, wait: bool = True) -> dict[str, Any]:
        """Remind of a dispute's deadline."""
        return self._change_dispute(number, "remind", disputing.remind, deliveries=deliveries, wait=wait)

    def resolve_dispute(
        self,
        number: int,
        resolution: str,
        *,
        reply: str | None = None,
        refund_amount_minor: int | None = None,
        deliveries: int = 1,
        wait: bool = True,
    ) -> dict[str, Any]:
        """End a dispute, and tell."""

        def resolve(connection: sqlite3.Connection, dispute: Dispute) -> Dispute:
            return disputing.resolve(
                connection, dispute, resolution=resolution, reply=reply, refund_amount_minor=refund_amount_minor
            )

        return self._change_dispute(number, "resolve", resolve, deliveries=deliveries, wait=wait)

    def script(self, *, operation: str, fault: str, **rest: Any) -> dict[str, Any]:
        """Have calls go wrong; `rest` is `reference`, `times` and the options of the fault."""
        return self.scripts.add(operation=operation, fault=fault, **rest)

    def transactions(self) -> list[dict[str, Any]]:
        """Return every transaction, newest first."""
        with self.database.work() as connection:
            return [asdict(transaction) for transaction in tables.transactions.list(connection)]

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """Return all that happened to money, newest first."""
        with self.database.work() as connection:
            return {
                "transactions": [asdict(row) for row in tables.transactions.list(connection)],
                "refunds": [asdict(row) for row in tables.refunds.list(connection)],
                "disputes": [asdict(row) for row in tables.disputes.list(connection)],
            }

    def deliveries(self, reference: str | None = None) -> list[dict[str, Any]]:
        """Return every attempt at delivering an event, oldest first."""
        conditions: list[Condition] = [] if reference is None else [("reference = ?", reference)]
        with self.database.work() as connection:
            rows = tables.attempts.list(connection, *conditions)
        return [asdict(row) for row in reversed(rows)]

    def _change_dispute(
        self,
        number: int,
        name: str,
        change: Callable[[sqlite3.Connection, Dispute], Dispute],
        *,
        deliveries: int,
        wait: bool,
    ) -> dict[str, Any]:
        with self.database.work() as connection:
            dispute = change(connection, _known(tables.disputes.find(connection, ("id = ?", number)), "Dispute"))
            transaction = _transaction_of(connection, dispute)
            event = self._store(connection, dispute.reference, bodies.dispute_changed(name, dispute, transaction))
        return {"dispute": asdict(dispute), "deliveries": self._send(event, deliveries, wait=wait)}

    def _store(
        self, connection: sqlite3.Connection, reference: str, body: dict[str, Any] | bytes, *, signed: bool = True
    ) -> StoredEvent:
        """Keep an event as it will be sent each time."""
        content = body if isinstance(body, bytes) else to_json(body)
        event = StoredEvent(
            id=tables.events.next_id(connection),
            reference=reference,
            event="" if isinstance(body, bytes) else str(body["event"]),
            body=content,
            signature=sign(content, secret_key=self.settings.secret_key) if signed else None,
            created_at=now_text(),
        )
        return tables.events.write(connection, event)

    def _send(
        self, event: StoredEvent | None, times: int, *, wait: bool, is_by_hand: bool = False
    ) -> list[dict[str, Any]]:
        if event is None:
            return []
        sending = Sending(times) if is_by_hand else self._plan(event, times)
        if sending.is_held:
            self._held.setdefault(event.reference, []).append((event, sending.times))
            return []
        firsts = self._sender.send(event, times=sending.times, wait_seconds=sending.wait_seconds)
        is_awaited = wait and not sending.wait_seconds
        held = self._held.pop(event.reference, [])
        results = _results(firsts) if is_awaited or held else []
        for earlier, copies in held:
            self._sender.send(earlier, times=copies)
        return [_summary(attempt) for attempt in results] if is_awaited else []

    def _plan(self, event: StoredEvent, times: int) -> Sending:
        """Return how an event is sent: as asked, or as a script says."""
        script = self.scripts.take(WEBHOOK, lambda: event.reference)
        if script is None:
            return Sending(times)
        return DELIVERY_FAULTS[script.fault](times, **script.options)


def _known(found: Record | None, what: str, status: int = HTTPStatus.NOT_FOUND) -> Record:
    if found is None:
        raise not_found(what, status=status)
    return found


def _transaction_of(connection: sqlite3.Connection, row: Refund | Dispute) -> Transaction:
    return _known(payments.find_by_id(connection, row.transaction_id), "Transaction")


def _results(firsts: Sequence[Future[Attempt]]) -> list[Attempt]:
    """Wait for the first attempts; those that the end of the sandbox prevents are left out."""
    done = []
    for first in firsts:
        with contextlib.suppress(CancelledError):
            done.append(first.result())
    return done


def _summary(attempt: Attempt) -> dict[str, Any]:
    return {"status": attempt.status, "milliseconds": attempt.milliseconds}

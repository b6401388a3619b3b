"""A call of the API: as it should be, or as a script says."""

import hmac
from collections.abc import Callable
from typing import Final, TypeAlias

from devtools.sandbox.faults.registry import FAULTS, Exchange
from devtools.sandbox.ledger import payments, tables
from devtools.sandbox.refusals import Refusal, invalid_key
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request, json_answer
from devtools.sandbox.web.wire import Wire

Handle: TypeAlias = Callable[[Sandbox, Request], Answer]

_NAMES_OF_TRANSACTION: Final = ("reference", "transaction")


def play(sandbox: Sandbox, request: Request, wire: Wire, *, operation: str, handle: Handle) -> Answer | None:
    """Answer one call; None if the connection is to end without another byte."""
    wire.pause(sandbox.settings.latency_milliseconds / 1000)
    exchange = Exchange(perform=lambda: _perform(sandbox, request, handle), wire=wire)
    script = sandbox.scripts.take(operation, lambda: _find_reference(sandbox, request, operation))
    if script is None:
        return exchange.perform()
    return FAULTS[script.fault](exchange, **script.options)


def _perform(sandbox: Sandbox, request: Request, handle: Handle) -> Answer:
    given = request.headers.get("authorization", "").encode()
    try:
        if not hmac.compare_digest(given, f"Bearer {sandbox.settings.secret_key}".encode()):
            raise invalid_key()
        return handle(sandbox, request)
    except Refusal as refusal:
        return json_answer(refusal.as_body(), status=refusal.status)


def _find_reference(sandbox: Sandbox, request: Request, operation: str) -> str | None:
    """Return the reference that a call is about; a number that Paystack gave is looked up."""
    number = request.parts.get("id", "")
    with sandbox.database.work() as connection:
        if operation == "fetch_refund":
            refund = tables.refunds.find(connection, ("id = ?", int(number)))
            return refund.reference if refund else None
        if operation in {"fetch_dispute", "resolve_dispute"}:
            dispute = tables.disputes.find(connection, ("id = ?", int(number)))
            return dispute.reference if dispute else None
        named = number or _name_in(request)
        transaction = payments.find_by_any(connection, named)
    return transaction.reference if transaction else named


def _name_in(request: Request) -> str:
    try:
        fields = request.fields
    except Refusal:
        fields = {}
    for place in (request.parts, request.query, fields):
        for name in _NAMES_OF_TRANSACTION:
            if name in place:
                return str(place[name])
    return ""

"""The control API: the methods of `Sandbox` over HTTP."""

import json
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from devtools.sandbox.control.fields import Fields
from devtools.sandbox.ledger import disputing, payments, refunding
from devtools.sandbox.paystack.initializing import CHANNELS
from devtools.sandbox.refusals import Refusal
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request, json_answer

_DOMAINS = ("test", "live")


def pay(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/pay"""
    fields = Fields(request.fields)
    reference = fields.require("reference", str)
    payment: dict[str, Any] = {
        "outcome": fields.choose("outcome", payments.OUTCOMES, default="success"),
        "amount_minor": fields.take_count("amount_minor"),
        "currency": fields.take("currency", str),
        "fees_minor": fields.take_count("fees_minor"),
        "bearer": fields.choose("bearer", payments.BEARERS, default="account"),
        "domain": fields.take_choice("domain", _DOMAINS),
        "channel": fields.take_choice("channel", CHANNELS),
        "metadata": _take_metadata(fields),
    }
    sending = _take_sending(fields)
    fields.finish()
    return json_answer(sandbox.pay(reference, **payment, **sending))


def deliver(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/deliver"""
    fields = Fields(request.fields)
    reference, event = fields.require("reference", str), fields.take("event", str)
    times, wait = fields.count("times"), fields.take("wait", bool, default=True)
    fields.finish()
    return json_answer({"deliveries": sandbox.deliver(reference, event=event, times=times, wait=bool(wait))})


def send_event(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/events"""
    fields = Fields(request.fields)
    body, raw = fields.take("body", dict), fields.take("raw", str)
    signed, deliveries = fields.take("sign", bool, default=True), fields.count("deliveries")
    fields.finish()
    if (body is None) == (raw is None):
        raise Refusal("Send either body, an object, or raw, a text")
    return json_answer({"deliveries": sandbox.send_event(body, raw=raw, signed=bool(signed), deliveries=deliveries)})


def show_ledger(sandbox: Sandbox, _request: Request) -> Answer:
    """GET /sandbox/ledger"""
    return json_answer(sandbox.ledger())


def list_deliveries(sandbox: Sandbox, request: Request) -> Answer:
    """GET /sandbox/deliveries"""
    return json_answer({"deliveries": sandbox.deliveries(request.query.get("reference"))})


def add_script(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/scripts"""
    fields = Fields(request.fields)
    operation, fault = fields.require("operation", str), fields.require("fault", str)
    reference = fields.take("reference", str)
    # Absent means once; null means for every call.
    times = fields.take("times", int) if "times" in request.fields else 1
    script = sandbox.script(operation=operation, fault=fault, reference=reference, times=times, **fields.rest())
    return json_answer(script, status=HTTPStatus.CREATED)


def list_scripts(sandbox: Sandbox, _request: Request) -> Answer:
    """GET /sandbox/scripts"""
    return json_answer({"scripts": sandbox.scripts.list()})


def clear_scripts(sandbox: Sandbox, _request: Request) -> Answer:
    """DELETE /sandbox/scripts"""
    sandbox.scripts.clear()
    return json_answer({"scripts": []})


def move_refund(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/refunds/:id"""
    fields = Fields(request.fields)
    status, sending = fields.choose("status", refunding.STATUSES), _take_sending(fields)
    fields.finish()
    return json_answer(sandbox.move_refund(request.number_in_path("id"), status, **sending))


def open_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/disputes"""
    fields = Fields(request.fields)
    reference = fields.require("reference", str)
    terms: dict[str, Any] = {
        "category": fields.choose("category", disputing.CATEGORIES, default="chargeback"),
        "refund_amount_minor": fields.take_count("refund_amount_minor"),
        "complaint": fields.take("complaint", str),
    }
    sending = _take_sending(fields)
    fields.finish()
    return json_answer(sandbox.open_dispute(reference, **terms, **sending), status=HTTPStatus.CREATED)


def resolve_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/disputes/:id"""
    fields = Fields(request.fields)
    resolution = fields.choose("resolution", disputing.RESOLUTIONS)
    amount, sending = fields.take_count("refund_amount_minor"), _take_sending(fields)
    fields.finish()
    number = request.number_in_path("id")
    return json_answer(sandbox.resolve_dispute(number, resolution, refund_amount_minor=amount, **sending))


def remind_of_dispute(sandbox: Sandbox, request: Request) -> Answer:
    """POST /sandbox/disputes/:id/reminders"""
    fields = Fields(request.fields)
    sending = _take_sending(fields)
    fields.finish()
    return json_answer(sandbox.remind_of_dispute(request.number_in_path("id"), **sending))


def show_settings(sandbox: Sandbox, _request: Request) -> Answer:
    """GET /sandbox/settings"""
    shown = asdict(sandbox.settings)
    del shown["secret_key"]
    return json_answer(shown)


def change_settings(sandbox: Sandbox, request: Request) -> Answer:
    """PUT /sandbox/settings"""
    fields = Fields(request.fields)
    changes = {
        "webhook_url": fields.take("webhook_url", str),
        "secret_key": fields.take("secret_key", str),
        "merchant_name": fields.take("merchant_name", str),
        "latency_milliseconds": fields.take_count("latency_milliseconds"),
        "retry_seconds": _take_retry_seconds(fields),
    }
    fields.finish()
    for name, value in changes.items():
        if value is not None:
            setattr(sandbox.settings, name, value)
    return show_settings(sandbox, request)


def _take_sending(fields: Fields) -> dict[str, Any]:
    return {"deliveries": fields.count("deliveries"), "wait": fields.take("wait", bool, default=True)}


def _take_metadata(fields: Fields) -> str | None:
    """Return metadata as JSON, whatever it is; None leaves it as the merchant sent it."""
    metadata = fields.take("metadata", object)
    return None if metadata is None else json.dumps(metadata)


def _take_retry_seconds(fields: Fields) -> tuple[float, ...] | None:
    waits = fields.take("retry_seconds", list)
    if waits is None:
        return None
    if not all(isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0 for wait in waits):
        raise Refusal("retry_seconds must be a list of numbers that are not negative")
    return tuple(waits)

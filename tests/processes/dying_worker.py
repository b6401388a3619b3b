"""A Celery worker whose processes kill themselves with SIGKILL where a test has planted it.

A planted death is a file `{reference}.{task}.{point}` in PLANTED_DEATHS: whoever comes to that point of the task
(`drain`, `janitor` or `follow_up`) with that payment dies. The file says who: the `child` that runs the task, or the
`whole` worker. The renaming that claims the file is atomic, so one process dies of it, once.

A point `X.written` is after everything that belongs to X was written and before its COMMIT was sent,
`X.committed` is after that COMMIT was answered.
"""

import os
import signal
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import django
from django.conf import settings

from namaskah.celery import app

django.setup()

from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402 -- needs the set-up

from payments.models import PaymentLog, Refund, WebhookEvent  # noqa: E402 -- needs the set-up
from payments.services import (  # noqa: E402 -- needs the set-up
    crediting,
    due_rows,
    gateway_calls,
    inbox,
    janitor,
    refund_follow_up,
    refund_reports,
    refund_submission,
    webhooks,
)

__all__ = ["app"]

_planted = Path(os.environ["PLANTED_DEATHS"])
# How long a dead process keeps its payments and refunds, and how long a lost call may still be under way: seconds
# instead of minutes. The inbox keeps its own half minute.
_SOON = timedelta(seconds=5)


class _Place:
    """Where this process is: what it works on, and what its next COMMIT makes durable."""

    task: str = ""
    references: tuple[str, ...] = ()
    written: str = ""


def _pass(point: str) -> None:
    for reference in _Place.references:
        death = _planted / f"{reference}.{_Place.task}.{point}"
        try:
            death = death.rename(death.with_name(f"{death.name}.died"))
        except FileNotFoundError:
            continue
        if death.read_text() == "whole":
            # The worker is in a group of its own, with its children.
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def _work_on(task: str, references: Iterable[str]) -> None:
    _Place.task = task
    _Place.references = tuple(references)
    _Place.written = ""


def _wrap(module: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a function by `around(function, …)`."""
    function = getattr(module, name)
    setattr(module, name, lambda *arguments, **rest: around(function, *arguments, **rest))


def _claim_events(claim: Callable[..., Any], *arguments: Any) -> Any:
    events = claim(*arguments)
    _work_on("drain", (event.reference for event in events))
    _pass("claimed")
    return events


def _claim_rows(claim: Callable[..., Any], table: str, **rest: Any) -> Any:
    keys = claim(table, **rest)
    if table == "refunds":
        _work_on("follow_up", Refund.objects.filter(pk__in=keys).values_list("payment__reference", flat=True))
    else:
        _work_on("janitor", PaymentLog.objects.filter(pk__in=keys).values_list("reference", flat=True))
    _pass("claimed")
    return keys


def _process_one(process: Callable[..., Any], event: WebhookEvent) -> Any:
    _work_on("drain", [event.reference])
    return process(event)


def _check_one(check: Callable[..., Any], payment_id: UUID) -> Any:
    _work_on("janitor", PaymentLog.objects.filter(pk=payment_id).values_list("reference", flat=True))
    return check(payment_id)


def _read(read: Callable[..., Any], event: Any) -> Any:
    evidence = read(event)
    _pass("evidence")
    return evidence


def _call(call: Callable[..., Any], operation: str, make: Callable[[], Any], **rest: Any) -> Any:
    def make_or_die() -> Any:
        _pass(f"{operation}.unsent")
        try:
            return make()
        finally:
            _pass(f"{operation}.answered")

    return call(operation, make_or_die, **rest)


def _then(what: str) -> Callable[..., Any]:
    """Note that what follows the function, up to the COMMIT, belongs to `what`."""

    def write(function: Callable[..., Any], *arguments: Any, **rest: Any) -> Any:
        result = function(*arguments, **rest)
        _Place.written = what
        _pass(what)
        return result

    return write


def _commit(commit: Callable[..., Any], connection: BaseDatabaseWrapper) -> None:
    written, _Place.written = _Place.written, ""
    _pass(f"{written}.written")
    commit(connection)
    _pass(f"{written}.committed")


_wrap(inbox, "_claim", _claim_events)
_wrap(due_rows, "claim_due", _claim_rows)
_wrap(webhooks, "process_webhook_with_retry", _process_one)
_wrap(janitor, "_check_safely", _check_one)
_wrap(webhooks, "_read_charge", _read)
_wrap(gateway_calls, "call_gateway", _call)
_wrap(crediting, "credit_payments", _then("credit"))
_wrap(inbox, "mark_processed", _then("mark"))
_wrap(janitor, "_note_look", _then("look"))
_wrap(Refund, "start_submitting", _then("submitting"))
_wrap(refund_reports, "accept", _then("submitted"))
_wrap(refund_reports, "_count_looks", _then("found"))
_wrap(BaseDatabaseWrapper, "commit", _commit)

janitor._LEASE = _SOON
# So that a dead worker takes few other payments along, which wait for the end of its lease.
janitor._BATCH = 4
refund_follow_up._LEASE = _SOON
refund_submission._RETRY_AFTER = _SOON
refund_submission._RETRIES_AFTER = (_SOON,) * len(refund_submission._RETRIES_AFTER)
refund_reports._CALL_LASTS = _SOON
refund_reports._UNKNOWN_CHECKS = (_SOON,) * len(refund_reports._UNKNOWN_CHECKS)
# More of them, because a test may take longer than three.
refund_reports._OPEN_CHECKS = (_SOON,) * 12

# Beat comes by more often, so that a test need not wait for it.
for name in ("drain-inbox", "follow-up-refunds", "check-payments"):
    settings.CELERY_BEAT_SCHEDULE[name]["schedule"] = 0.5

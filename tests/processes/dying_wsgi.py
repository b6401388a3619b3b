"""The product behind gunicorn, in workers that kill themselves with SIGKILL where a test has planted it.

A planted death is an empty file `{key}.{point}` in PLANTED_DEATHS: the request with that Idempotency-Key
dies when it comes to that point. The renaming that claims the file is atomic, so one process dies of it, once.
"""

import os
import signal
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")
_product = get_wsgi_application()

from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402 -- needs the set-up
from django.urls import get_resolver  # noqa: E402 -- needs the set-up

from namaskah.idempotency import views  # noqa: E402 -- needs the set-up
from namaskah.idempotency.claims import KeyClaim  # noqa: E402 -- needs the set-up
from payments.services import crediting, gateway_calls  # noqa: E402 -- needs the set-up

_planted = Path(os.environ["PLANTED_DEATHS"])
_key: ContextVar[str] = ContextVar("key", default="")
# What the next COMMIT makes durable: a recovery point, or the credit.
_written: ContextVar[str] = ContextVar("written", default="")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve one request, as long as this process lives."""
    _key.set(environ.get("HTTP_IDEMPOTENCY_KEY", ""))
    _written.set("")
    _pass("request.begun")
    answer = _product(environ, start_response)
    _pass("answer.rendered")
    return answer


def _pass(point: str) -> None:
    death = _planted / f"{_key.get()}.{point}"
    try:
        death.rename(death.with_name(f"{death.name}.died"))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _mark_claims() -> None:
    claim_key = views.claim_key

    def claim(**request: Any) -> Any:
        _pass("claim.begun")
        _written.set("started")
        return claim_key(**request)

    views.claim_key = claim


def _mark_advances() -> None:
    advance = KeyClaim.advance

    def advance_and_mark(self: KeyClaim, recovery_point: str, **rest: Any) -> None:
        advance(self, recovery_point, **rest)
        _written.set(recovery_point)

    KeyClaim.advance = advance_and_mark


def _mark_credits() -> None:
    credit_payments = crediting.credit_payments

    def credit(*arguments: Any, **rest: Any) -> Any:
        outcomes = credit_payments(*arguments, **rest)
        _written.set("credit")
        return outcomes

    crediting.credit_payments = credit


def _mark_gateway_calls() -> None:
    call_gateway = gateway_calls.call_gateway

    def call(operation: str, make: Callable[[], Any], **rest: Any) -> Any:
        def make_or_die() -> Any:
            _pass(f"{operation}.unsent")
            try:
                return make()
            finally:
                _pass(f"{operation}.answered")

        return call_gateway(operation, make_or_die, **rest)

    gateway_calls.call_gateway = call


def _mark_finishes() -> None:
    finish_key = views.finish_key

    def finish(*arguments: Any, **rest: Any) -> None:
        _pass("finish.begun")
        _written.set("finished")
        finish_key(*arguments, **rest)

    views.finish_key = finish


def _mark_commits() -> None:
    commit = BaseDatabaseWrapper.commit

    def commit_or_die(self: BaseDatabaseWrapper) -> None:
        written = _written.get()
        _written.set("")
        _pass(f"{written}.written")
        commit(self)
        _pass(f"{written}.committed")

    BaseDatabaseWrapper.commit = commit_or_die


_mark_claims()
_mark_advances()
_mark_credits()
_mark_gateway_calls()
_mark_finishes()
_mark_commits()
# Loaded before the workers are forked, so that a replacement serves at once.
_ = get_resolver().url_patterns

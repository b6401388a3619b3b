"""Faults that answer: with an error, or with something else than what was done."""

import gzip
import json
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from devtools.sandbox import refusals
from devtools.sandbox.faults.registry import Exchange, fault
from devtools.sandbox.refusals import Refusal
from devtools.sandbox.web.messages import Answer, json_answer

_PAGE: Final = b"<!doctype html><title>Welcome</title><p>Please sign in to use this network.</p>"
_MEGABYTE: Final = 1024 * 1024


@fault
def http_500(_exchange: Exchange) -> Answer:
    """Fail before anything is done."""
    return _failure(HTTPStatus.INTERNAL_SERVER_ERROR)


@fault
def http_500_after_accept(exchange: Exchange) -> Answer:
    """Do it and say that it failed."""
    exchange.perform()
    return _failure(HTTPStatus.INTERNAL_SERVER_ERROR)


@fault
def http_503(_exchange: Exchange) -> Answer:
    """Be away for maintenance: a page, not JSON."""
    page = b"<!doctype html><title>503</title><p>Service Temporarily Unavailable</p>"
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, page, "text/html")


@fault
def rate_limited(_exchange: Exchange, *, reset_seconds: int = 1) -> Answer:
    """Have met too many calls."""
    return _refused(refusals.rate_limited()).with_headers(
        x_ratelimit_limit="100", x_ratelimit_remaining="0", x_ratelimit_reset=str(reset_seconds)
    )


@fault
def unauthorized(_exchange: Exchange) -> Answer:
    """Not know the key."""
    return _refused(refusals.invalid_key())


@fault
def rejected(
    _exchange: Exchange, *, code: str = "rejected", message: str = "Rejected by script", status: int = 400
) -> Answer:
    """Say no."""
    return _refused(Refusal(message, code=code, status=status))


@fault
def html_200(exchange: Exchange, *, accepted: bool = False) -> Answer:
    """Answer as a network does that wants a sign-in first, with or without having passed the call on."""
    if accepted:
        exchange.perform()
    return Answer(HTTPStatus.OK, _PAGE, "text/html; charset=utf-8")


@fault
def not_json(exchange: Exchange) -> Answer:
    """Do it and answer with what calls itself JSON."""
    exchange.perform()
    return Answer(HTTPStatus.OK, b'{"status": true, "data": {"reference": ')


@fault
def gzip_bomb(exchange: Exchange, *, megabytes: int = 64) -> Answer:
    """Do it and answer with a little that inflates to a lot."""
    exchange.perform()
    return Answer(HTTPStatus.OK, _compressed_blanks(megabytes)).with_headers(content_encoding="gzip")


@fault
def wrong_reference(exchange: Exchange, *, answered: str = "somebody-elses-reference") -> Answer:
    """Do it and answer as if about another transaction."""
    return _changed(exchange.perform(), lambda data: {**data, "reference": answered})


@fault
def missing_data(exchange: Exchange) -> Answer:
    """Do it and leave out what was asked for."""
    return _changed(exchange.perform(), lambda _: None)


def _failure(status: HTTPStatus) -> Answer:
    return json_answer({"status": False, "message": "An error occurred", "type": "api_error"}, status=status)


def _refused(refusal: Refusal) -> Answer:
    return json_answer(refusal.as_body(), status=refusal.status)


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Answer:
    """Return the answer with other `data`, or without any; one that has none, or a list, stays as it is."""
    body = json.loads(answer.body)
    if not isinstance(body.get("data"), dict):
        return answer
    body["data"] = change(body["data"])
    if body["data"] is None:
        del body["data"]
    return json_answer(body, status=answer.status)


@lru_cache(maxsize=4)
def _compressed_blanks(megabytes: int) -> bytes:
    return gzip.compress(b'{"status": true, "message": "' + b" " * megabytes * _MEGABYTE + b'"}', compresslevel=6)

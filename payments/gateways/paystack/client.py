"""One call of Paystack, and what its end means.

A write is sent once. If it was certainly not sent, it may be made again; if it was sent and no usable
answer came, nobody knows whether it took effect. A read is repeated while its deadline allows.
"""

import math
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypeVar

import httpx

from payments.gateways.paystack.answers import Answer, UnusableAnswerError, read_answer
from payments.gateways.paystack.connections import Connection, get_connection
from payments.gateways.paystack.deadlines import deadline_in, get_seconds_left
from payments.gateways.paystack.errors import (
    MisconfiguredError,
    OutcomeUnknownError,
    PaystackError,
    RejectedError,
    UnavailableError,
)
from payments.gateways.paystack.redaction import redact
from payments.gateways.paystack.texts import clean_text

Result = TypeVar("Result")
# Makes a result of an answer's `data` and of the redacted answer, or raises UnusableAnswerError.
Read: TypeAlias = Callable[[object, dict[str, Any]], Result]

# Before the second and the third attempt at a read.
RETRY_PAUSES_SECONDS: Final = (0.1, 0.5)
_RETRY_AFTER_SECONDS: Final = 5
_MISCONFIGURED_RETRY_AFTER_SECONDS: Final = 60
_RATE_WINDOW_SECONDS: Final = 60.0
_CODE_LIMIT: Final = 60
_MESSAGE_LIMIT: Final = 200
# Nothing else proves that a request was not sent: a connection kept alive from an earlier call may
# break after Paystack has read the request.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def get(path: str, *, read: Read[Result]) -> Result:
    """Ask for `path`; return what `read` makes of the answer.

    :raises RejectedError: if Paystack said no.
    :raises MisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    return _call("GET", path, body=None, read=read)


def post(path: str, *, body: Mapping[str, Any], read: Read[Result]) -> Result:
    """Send `body` to `path`, once; return what `read` makes of the answer.

    :raises RejectedError: if Paystack said no; nothing happened.
    :raises MisconfiguredError: if it refused our key; nothing happened.
    :raises GatewayUnavailableError: if it was not sent, or refused for the rate of calls; nothing happened.
    :raises OutcomeUnknownError: if it was sent and no usable answer came.
    """
    return _call("POST", path, body=body, read=read)


def _call(method: str, path: str, *, body: Mapping[str, Any] | None, read: Read[Result]) -> Result:
    connection = get_connection()
    request = connection.http.build_request(method, path, json=body)
    started = time.monotonic()
    try:
        with deadline_in(connection.configuration.total_seconds), connection.slots.hold():
            answer = _send(connection, request)
    except httpx.TransportError as error:
        connection.breaker.record_failure(seconds=time.monotonic() - started)
        was_sent = not isinstance(error, _NOT_SENT)
        raise _without_answer(method, was_sent=was_sent) from error
    if answer.is_server_error:
        connection.breaker.record_failure()
    else:
        connection.breaker.record_success()
    redacted = redact(answer.body) | {"http_status": answer.http_status}
    try:
        return _read_result(method, answer, redacted, read=read)
    except PaystackError as error:
        error.answer = redacted
        raise


def _send(connection: Connection, request: httpx.Request) -> Answer:
    """Send a write once, a read up to three times."""
    pauses = RETRY_PAUSES_SECONDS if request.method == "GET" else ()
    for pause in pauses:
        try:
            answer = _send_once(connection, request)
        except httpx.TransportError:
            if get_seconds_left() <= pause:
                raise
            wait = pause
        else:
            wait = _get_reset_seconds(answer, default=pause) if answer.is_rate_limited else pause
            is_worth_repeating = answer.is_rate_limited or answer.is_server_error
            if not is_worth_repeating or get_seconds_left() <= wait:
                return answer
        time.sleep(wait)
    return _send_once(connection, request)


def _send_once(connection: Connection, request: httpx.Request) -> Answer:
    connection.breaker.check_closed()
    response = connection.http.send(request, stream=True)
    try:
        return read_answer(response)
    finally:
        response.close()


def _read_result(method: str, answer: Answer, redacted: dict[str, Any], *, read: Read[Result]) -> Result:
    _check_served(method, answer)
    try:
        if answer.says_no():
            message = clean_text(answer.get_text("message"), limit=_MESSAGE_LIMIT)
            raise RejectedError(
                message or "Paystack refused without giving a reason.",
                gateway_code=clean_text(answer.get_text("code"), limit=_CODE_LIMIT),
            )
        return read((answer.body or {}).get("data"), redacted)
    except UnusableAnswerError as error:
        raise _without_answer(method, was_sent=True) from error


def _check_served(method: str, answer: Answer) -> None:
    if answer.is_server_error:
        raise _without_answer(method, was_sent=True)
    if answer.http_status == HTTPStatus.UNAUTHORIZED or answer.get_text("code").lower() == "invalid_key":
        raise MisconfiguredError(
            "Paystack refused the key of this service.", retry_after_seconds=_MISCONFIGURED_RETRY_AFTER_SECONDS
        )
    if answer.is_rate_limited:
        seconds = _get_reset_seconds(answer, default=_RETRY_AFTER_SECONDS)
        raise UnavailableError("Paystack is called too often at the moment.", retry_after_seconds=math.ceil(seconds))


def _without_answer(method: str, *, was_sent: bool) -> UnavailableError | OutcomeUnknownError:
    if method == "POST" and was_sent:
        return OutcomeUnknownError(
            "Paystack was asked and gave no usable answer; what became of it must be looked up.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    return UnavailableError("Paystack cannot be reached at the moment.", retry_after_seconds=_RETRY_AFTER_SECONDS)


def _get_reset_seconds(answer: Answer, *, default: float) -> float:
    """Return after how many seconds the rate limit is whole again (https://paystack.com/docs/api/rate-limits)."""
    try:
        seconds = float(answer.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return default
    # More than the window would be a point in time, not a number of seconds.
    return min(seconds, _RATE_WINDOW_SECONDS) if seconds >= 0 else default

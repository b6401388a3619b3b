"""One id per request, on every answer, log line and audit entry."""

import contextlib
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import structlog
from django.http import HttpRequest, HttpResponse

logger = structlog.get_logger(__name__)

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """Takes the client's X-Request-ID if it is a UUID, makes one otherwise, echoes it, and logs one line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        request_id = read_request_id(request.headers.get(HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]  # -- our addition to Django's request
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
            if not getattr(request, "is_unlogged", False):
                # Without the query: it may hold what a log must not.
                logger.info(
                    "request",
                    method=request.method,
                    path=request.path[:300],
                    status=response.status_code,
                    milliseconds=round((time.monotonic() - started) * 1000),
                )
        response[HEADER] = request_id
        return response


def leave_unlogged(request: HttpRequest) -> None:
    """Spare the log the line of this request: one of a flood that says nothing new."""
    request.is_unlogged = True  # type: ignore[attr-defined]  # -- our addition to Django's request


def read_request_id(header: str | None) -> str:
    """Return the id that the client gave, in its canonical form, or a new one."""
    with contextlib.suppress(ValueError):
        return str(UUID(header or ""))
    return str(uuid4())

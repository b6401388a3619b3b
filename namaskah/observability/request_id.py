"""One id per request, on every answer, log line and audit entry."""

import contextlib
import re
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.http import HttpRequest, HttpResponse

logger = structlog.get_logger(__name__)

HEADER = "X-Request-ID"
_BACK_OFFICE: Final = "/admin/"
_LINKS: Final = re.compile(r"(/set-password/[^/]*/)[^/]+")


class RequestIdMiddleware:
    """Takes the client's X-Request-ID if it is a UUID, makes one otherwise, echoes it, and logs one line.

    In the back office it makes one always: the id stands in the audit log, and whoever acts must not choose it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        is_in_back_office = request.path.startswith(_BACK_OFFICE)
        request_id = read_request_id(None if is_in_back_office else request.headers.get(HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]  # -- our addition to Django's request
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
            if not getattr(request, "is_unlogged", False):
                # Without the query: it may hold what a log must not.
                logger.info(
                    "request",
                    method=request.method,
                    path=hide_tokens(request.path)[:300],
                    status=response.status_code,
                    milliseconds=round((time.monotonic() - started) * 1000),
                )
        response[HEADER] = request_id
        return response


def hide_tokens(path: str) -> str:
    """Return the path without what lets in whoever has it: the last part of a link to set a password."""
    return _LINKS.sub(r"\1…", path)


def leave_unlogged(request: HttpRequest) -> None:
    """Spare the log the line of this request: one of a flood that says nothing new."""
    request.is_unlogged = True  # type: ignore[attr-defined]  # -- our addition to Django's request


def read_request_id(header: str | None) -> str:
    """Return the id that the client gave, in its canonical form, or a new one."""
    with contextlib.suppress(ValueError):
        return str(UUID(header or ""))
    return str(uuid4())

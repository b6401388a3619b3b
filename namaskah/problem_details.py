"""The only place where an error becomes HTTP: `application/problem+json` (RFC 9457)."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from psycopg2 import errorcodes
from rest_framework import exceptions

from namaskah.errors import DomainError
from namaskah.outages import find_sqlstate, is_database_away, is_read_only
from namaskah.problem_catalogue import PROBLEMS

logger = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
_DJANGO_CODES: Final[dict[type[Exception], str]] = {
    Http404: "not_found",
    PermissionDenied: "permission_denied",
    RequestDataTooBig: "body_too_large",
    # The client went away in the middle of its body.
    UnreadablePostError: "malformed_json",
    # Whatever else Django refuses of itself, such as too many parameters; after its subclass above.
    SuspiciousOperation: "validation_error",
}
_RETRY_DATABASE_SECONDS: Final = 2
_CONTENDED: Final = frozenset(
    {errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED, errorcodes.SERIALIZATION_FAILURE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetails:
    """One problem, ready to be written."""

    code: str
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return PROBLEMS[self.code].status

    def to_bytes(self, request_id: str) -> bytes:
        """Return the JSON body."""
        members: dict[str, Any] = {
            "type": f"/api/problems/{self.code}",
            "title": PROBLEMS[self.code].title,
            "status": self.status,
            "detail": self.detail or f"{PROBLEMS[self.code].title}.",
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = list(self.errors)
        return json.dumps(members, ensure_ascii=False).encode()


def describe(error: Exception) -> ProblemDetails:
    """Return the problem that tells `error` to the client; what we did not foresee tells nothing."""
    if isinstance(error, DomainError):
        return _describe_domain_error(error)
    if isinstance(error, exceptions.ValidationError):
        return ProblemDetails(
            code="validation_error", detail="Some fields are not valid.", errors=list(_list_errors(error.detail))
        )
    if isinstance(error, exceptions.APIException):
        return _describe_api_exception(error)
    if is_database_away(error) or is_read_only(error):
        return _describe_database_error(error)
    code = next((code for kind, code in _DJANGO_CODES.items() if isinstance(error, kind)), "internal_error")
    return ProblemDetails(code=code)


def problem_response(
    request: HttpRequest, *, code: str, detail: str = "", headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer of a plain Django view that refuses with `code`."""
    return write_problem(request, ProblemDetails(code=code, detail=detail, headers=headers or {}))


def write_problem(request: HttpRequest, problem: ProblemDetails) -> HttpResponse:
    """Return the answer that tells `problem`."""
    response = HttpResponse(
        problem.to_bytes(getattr(request, "request_id", "")), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Answer for whatever a view of the API raised; REST framework's hook."""
    problem = describe(error)
    if problem.code == "internal_error":
        logger.error("unexpected_error", exc_info=error)
    elif problem.code == "concurrent_update":
        logger.warning("concurrent_update", reason=next(iter(str(error).splitlines()), ""))
    elif problem.code == "database_unavailable":
        reason = next(iter(str(error).splitlines()), "")
        logger.error("database_unavailable", error=type(error).__name__, sqlstate=find_sqlstate(error), reason=reason)
    return write_problem(context["request"], problem)


def _describe_domain_error(error: DomainError) -> ProblemDetails:
    seconds = getattr(error, "retry_after_seconds", None)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return ProblemDetails(code=error.code, detail=error.detail, errors=getattr(error, "errors", ()), headers=headers)


def _describe_api_exception(error: exceptions.APIException) -> ProblemDetails:
    codes: dict[type[exceptions.APIException], str] = {
        exceptions.NotAuthenticated: "not_authenticated",
        exceptions.AuthenticationFailed: "not_authenticated",
        exceptions.PermissionDenied: "permission_denied",
        exceptions.NotFound: "not_found",
        exceptions.MethodNotAllowed: "method_not_allowed",
        exceptions.NotAcceptable: "not_acceptable",
        exceptions.UnsupportedMediaType: "unsupported_media_type",
        exceptions.ParseError: "malformed_json",
        exceptions.Throttled: "rate_limited",
    }
    code = next((code for kind, code in codes.items() if isinstance(error, kind)), "internal_error")
    headers = {}
    if code == "not_authenticated":
        headers["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    detail = "" if code == "internal_error" else str(error.detail)
    return ProblemDetails(code=code, detail=detail, headers=headers)


def _describe_database_error(error: Exception) -> ProblemDetails:
    if find_sqlstate(error) in _CONTENDED:
        return ProblemDetails(
            code="concurrent_update",
            detail="Another request is working on the same rows; try again.",
            headers={"Retry-After": "1"},
        )
    return ProblemDetails(
        code="database_unavailable",
        detail="The database cannot be reached; try again shortly.",
        headers={"Retry-After": str(_RETRY_DATABASE_SECONDS)},
    )


def _list_errors(detail: Any, prefix: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _list_errors(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _list_errors(inner, prefix)
    else:
        name = "" if prefix == "non_field_errors" else prefix
        yield {"field": name, "code": getattr(detail, "code", "invalid"), "message": str(detail)}

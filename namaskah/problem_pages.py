"""Problems outside REST framework: plain views under /api/, pages for people, and addresses that do not exist."""

import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from namaskah.outages import find_sqlstate, is_contended, is_database_away, is_read_only
from namaskah.problem_details import describe, problem_response, write_problem

logger = structlog.get_logger(__name__)

_NOTHING = "There is nothing at this address."
_READ_ONLY: Final = "The database takes no writes at this moment"
_AWAY: Final = "The database does not answer at this moment"
_BUSY: Final = "Somebody is working on this at this moment"
_RETRY_SECONDS: Final = {_READ_ONLY: 60, _AWAY: 60, _BUSY: 5}


class ProblemMiddleware:
    """Answers for what a plain view under /api/ raised, and on pages for people for a database that cannot be used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the problem; what nobody foresaw on a page for people is left to Django."""
        if not _is_api(request):
            return _tell_outage(error)
        problem = describe(error)
        if problem.status >= 500:  # noqa: PLR2004 -- from here on it is our fault
            logger.error("request_failed", code=problem.code, exc_info=error)
        return write_problem(request, problem)


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    """Answer whatever is sent to an address of the API that does not exist."""
    return problem_response(request, code="not_found", detail=_NOTHING)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refused, such as one with a wrong Host."""
    if _is_api(request):
        return problem_response(request, code="validation_error", detail="The request is not valid.")
    # A session that cannot be kept is, to Django, one that was deleted meanwhile.
    return _tell_outage(exception) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for a request that a middleware turned away."""
    if _is_api(request):
        return problem_response(request, code="permission_denied")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for an address that does not exist."""
    if _is_api(request):
        return problem_response(request, code="not_found", detail=_NOTHING)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an error that nobody foresaw."""
    if _is_api(request):
        return problem_response(request, code="internal_error", detail="Something went wrong; tell us the request id.")
    # What a middleware raised, such as the one that keeps sessions, comes here without its error.
    error = sys.exc_info()[1]
    return (_tell_outage(error) if error else None) or defaults.server_error(request)


def _tell_outage(error: BaseException) -> HttpResponse | None:
    """Return the page that says that the database cannot be used now, if that is what the error comes from."""
    found = next(((error, title) for error, title in _list_causes(error) if title), None)
    if found is None:
        return None
    error, title = found
    reason = next(iter(str(error).splitlines()), "")
    logger.error("database_unavailable", error=type(error).__name__, sqlstate=find_sqlstate(error), reason=reason)
    wait = _RETRY_SECONDS[title]
    page = render_to_string("503.html", {"title": title, "wait": "a minute" if title != _BUSY else "a few seconds"})
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(wait)})


def _list_causes(error: BaseException | None) -> Iterator[tuple[BaseException, str]]:
    while error is not None:
        yield error, _name_outage(error)
        error = error.__context__


def _name_outage(error: BaseException) -> str:
    if is_contended(error):
        return _BUSY
    if is_read_only(error):
        return _READ_ONLY
    return _AWAY if is_database_away(error) else ""


def _is_api(request: HttpRequest) -> bool:
    # However many slashes a client's base address ended with.
    return request.path.lstrip("/").startswith("api/")

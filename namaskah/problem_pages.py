"""Problems outside REST framework: plain views under /api/, and addresses that do not exist."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from namaskah.problem_details import describe, problem_response, write_problem

logger = structlog.get_logger(__name__)

_NOTHING = "There is nothing at this address."


class ProblemMiddleware:
    """Answers for what a plain view under /api/ raised."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the problem; pages for people get Django's own."""
        if not _is_api(request):
            return None
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
    return defaults.bad_request(request, exception)


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
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    # However many slashes a client's base address ended with.
    return request.path.lstrip("/").startswith("api/")

"""Pages for people outside the back office: their own origin and nothing else, told to the browser too."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from namaskah.problem_details import problem_response

_Arguments = ParamSpec("_Arguments")

# `data:` is for the small pictures that stand inside a style sheet.
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'nonce-{nonce}'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """Return the page; a style element in it carries `nonce`."""
    nonce = secrets.token_urlsafe(16)
    response = render(request, template, {**context, "nonce": nonce})
    response["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
    return response


def only_reading(
    view: Callable[Concatenate[HttpRequest, _Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _Arguments], HttpResponse]:
    """Refuse every method but GET and HEAD, as the API does."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem_response(request, code="method_not_allowed", headers={"Allow": "GET, HEAD"})
        return view(request, *args, **kwargs)

    # Nothing is changed here, and a POST is to read why it is refused, not a page about cookies.
    return csrf_exempt(guarded)


def find_preferred(request: HttpRequest, offered: Sequence[str]) -> str | None:
    """Return which of `offered` the Accept header prefers; None if it wants none of them, or cannot be read."""
    try:
        return request.get_preferred_type(list(offered))
    except ValueError:
        return None

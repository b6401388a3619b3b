"""Where what is written to the audit log comes from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from namaskah.api.client_address import get_client_address


@dataclass(frozen=True, slots=True)
class Origin:
    """The address of the browser and the id of the request; both empty in a shell."""

    address: str = ""
    request_id: str = ""


_SHELL: Final = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_SHELL)


def get_origin() -> Origin:
    """Return where what this thread does comes from."""
    return _origin.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Note where what this thread does comes from."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


class OriginMiddleware:
    """Notes it for each request of the back office."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        request_id = getattr(request, "request_id", "")
        with coming_from(Origin(address=get_client_address(request), request_id=request_id)):
            return self._get_response(request)

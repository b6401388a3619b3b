"""What a client may send, and what it has used of it."""

from typing import Any, Final

from rest_framework.response import Response

from namaskah.api import rate_limits
from namaskah.api.client_request import ClientRequest
from namaskah.api.rate_limits import WINDOW_SECONDS, Usage
from namaskah.api.throttling import client_of
from namaskah.api.views import ApiView
from namaskah.openapi import client_operations
from namaskah.openapi.operations import describe

# Failed authentications and bad signatures are limits of addresses, not of clients.
_OF_CLIENTS: Final = ("initialize", "verify", "reads", "writes")


@describe(client_operations.LIMITS)
class LimitList(ApiView):
    """GET /api/v1/limits"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest) -> Response:
        """Show the caller's limits; this request counts as a read."""
        client = client_of(request)
        return Response({"limits": [_describe(rate_limits.peek(name, client)) for name in _OF_CLIENTS]})


def _describe(usage: Usage) -> dict[str, Any]:
    return {
        "name": usage.name,
        "limit": usage.limit,
        "window_seconds": WINDOW_SECONDS,
        "used": usage.limit - usage.remaining,
        "remaining": usage.remaining,
        "resets_in_seconds": usage.seconds_left,
    }

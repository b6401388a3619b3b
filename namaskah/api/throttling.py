"""Limits as REST framework asks for them."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from namaskah.api import rate_limits
from namaskah.api.client_address import get_client_address
from namaskah.api.rate_limits import Usage
from namaskah.errors import DomainError

FAILED_AUTHENTICATION: Final = "authentication"


class RateLimitedError(DomainError):
    """The client has used up its quota."""

    code = "rate_limited"

    def __init__(self, usage: Usage) -> None:
        again = f"it is whole again in {usage.seconds_left} s"
        if usage.name == FAILED_AUTHENTICATION:
            detail = f"Too many requests from this address came without a valid API key: check yours; {again}."
        else:
            detail = f'The limit "{usage.name}" is {usage.limit} per minute; {again}.'
        super().__init__(detail)
        self.retry_after_seconds = usage.seconds_left


class ClientThrottle(BaseThrottle):
    """Counts a user's requests against the limit that the view names as its `throttle_scope`."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request.

        :raises RateLimitedError: if it is one too many.
        """
        view.usage = rate_limits.count(view.throttle_scope, client_of(request))
        if view.usage.is_exceeded:
            raise RateLimitedError(view.usage)
        return True


def client_of(request: Request) -> str:
    """Return whom an authenticated request is counted for: its user, whatever key or address it came with."""
    return f"user:{request.user.pk}"


def count_failed_authentication(request: Request) -> Usage:
    """Count a request that proved no identity against its address; whoever proves one is not touched."""
    address = get_client_address(request._request)
    return rate_limits.count(FAILED_AUTHENTICATION, f"address:{address}")

"""The base of every endpoint: who calls, how often, and what the answer tells of it."""

from typing import Any, ClassVar

from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from namaskah.api import rate_limit_fields
from namaskah.api.rate_limits import Usage
from namaskah.api.throttling import ClientThrottle, RateLimitedError, count_failed_authentication


class ApiView(APIView):
    """An endpoint for API clients. A subclass names its `throttle_scope`, one of RATE_LIMITS."""

    throttle_classes = [ClientThrottle]
    throttle_scope: ClassVar[str]
    # What OPTIONS would tell stands in the schema.
    http_method_names = ["get", "head", "post"]
    usage: Usage | None = None

    def check_permissions(self, request: Request) -> None:
        """Count first: whoever may not do something may not try it without end either."""
        if request.user.is_authenticated:
            super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Nothing: the request was counted before its permissions were looked at."""

    def handle_exception(self, exc: Exception) -> Any:
        """Count a failed authentication; above the limit that is what is answered."""
        if isinstance(exc, AuthenticationFailed | NotAuthenticated):
            self.usage = count_failed_authentication(self.request)
            if self.usage.is_exceeded:
                return super().handle_exception(RateLimitedError(self.usage))
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell what is left of the limit that the request was counted against."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.usage is not None:
            rate_limit_fields.write(answer, self.usage)
        return answer

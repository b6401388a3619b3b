"""What a service raises when it refuses or cannot do what was asked.

An error class stands next to the function that raises it and derives from one of these kinds.
The `code` is public API and decides the HTTP status (`namaskah.problem_catalogue`).
"""

from typing import ClassVar


class DomainError(Exception):
    """A refusal with a stable public `code`; `str()` of it is the sentence the caller reads."""

    code: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequestError(DomainError):
    """What was sent cannot be understood."""


class PaymentRequiredError(DomainError):
    """The wallet does not hold enough."""


class PermissionDeniedError(DomainError):
    """The caller may not do this."""

    code = "permission_denied"


class NotFoundError(DomainError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"


class ConflictError(DomainError):
    """It cannot be done in the state things are in now."""


class RuleViolationError(DomainError):
    """It is understood and against a rule."""


class GatewayRejectedError(DomainError):
    """Paystack said no; nothing happened there. `gateway_code` is Paystack's own code, or empty."""

    code = "gateway_rejected"

    def __init__(self, detail: str, *, gateway_code: str = "") -> None:
        super().__init__(detail)
        self.gateway_code = gateway_code


class UnavailableError(DomainError):
    """It cannot be done now; the caller should come back after `retry_after_seconds`."""

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class GatewayUnavailableError(UnavailableError):
    """Paystack was never reached, so the same call may be made again."""

    code = "gateway_unavailable"


class GatewayMisconfiguredError(UnavailableError):
    """Paystack refused our key."""

    code = "gateway_misconfigured"


class GatewayOutcomeUnknownError(UnavailableError):
    """The request was sent and no usable answer came: look it up, never send it again."""

    code = "gateway_outcome_unknown"


class ConcurrentUpdateError(ConflictError):
    """Another writer changed the row since it was read."""

    code = "concurrent_update"

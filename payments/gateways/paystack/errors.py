"""How a call of Paystack ends when it does not end well."""

from typing import Any

from namaskah.errors import (
    DomainError,
    GatewayMisconfiguredError,
    GatewayOutcomeUnknownError,
    GatewayRejectedError,
    GatewayUnavailableError,
)


class PaystackError(DomainError):
    """What all of them carry: `answer`, redacted, with its HTTP status; None if there was none."""

    answer: dict[str, Any] | None = None


class RejectedError(PaystackError, GatewayRejectedError):
    """Paystack said no, in so many words."""


class MisconfiguredError(PaystackError, GatewayMisconfiguredError):
    """Paystack refused our key."""


class UnavailableError(PaystackError, GatewayUnavailableError):
    """A write that was not sent or was turned away unread, or a read without a usable answer."""


class OutcomeUnknownError(PaystackError, GatewayOutcomeUnknownError):
    """A write that was sent and got no usable answer."""

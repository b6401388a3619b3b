"""What Paystack says no to, and in which words (https://paystack.com/docs/api/errors)."""

from http import HTTPStatus
from typing import Any


class Refusal(Exception):  # noqa: N818 -- Paystack working as it should
    """A request that is turned down; `code` is None where Paystack's own is not known."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        kind: str = "validation_error",
        status: int = HTTPStatus.BAD_REQUEST,
        next_step: str = "Check the request against the documentation and send it again",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.kind = kind
        self.status = status
        self.next_step = next_step

    def as_body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        body = {"status": False, "message": self.message, "meta": {"nextStep": self.next_step}, "type": self.kind}
        return body if self.code is None else {**body, "code": self.code}


def invalid_key() -> Refusal:
    """Return what a wrong or missing secret key gets."""
    return Refusal(
        "Invalid key",
        code="invalid_Key",
        status=HTTPStatus.UNAUTHORIZED,
        next_step="Ensure that you provide the correct authorization key for the request",
    )


def rate_limited() -> Refusal:
    """Return what one call too many gets (https://paystack.com/docs/api/rate-limits)."""
    return Refusal(
        "Rate limit exceeded!",
        code="rate_limited",
        kind="api_error",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        next_step="Wait until the limit is reset and try again",
    )


def not_found(what: str, *, status: int = HTTPStatus.NOT_FOUND) -> Refusal:
    """Return what an unknown `what` gets, where it stands in the path or, with another status, in the body."""
    return Refusal(f"{what} not found", status=status)

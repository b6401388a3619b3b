"""Calls of the gateway, each written down before it is made and completed after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import structlog
from django.utils import timezone

from namaskah.errors import (
    DomainError,
    GatewayMisconfiguredError,
    GatewayOutcomeUnknownError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from payments.gateways.paystack import transactions
from payments.models import Evidence, GatewayCall, GatewayOutcome

logger = structlog.get_logger(__name__)


_WRITES: Final = frozenset({"initialize", "refund"})
_is_read_only: ContextVar[bool] = ContextVar("is_read_only", default=False)


class GatewayWriteBlockedError(Exception):
    """A rehearsal was about to change something at the gateway."""


@contextmanager
def reads_only() -> Iterator[None]:
    """Refuse every call in the block that would change something at the gateway."""
    token = _is_read_only.set(True)
    try:
        yield
    finally:
        _is_read_only.reset(token)


class _Answered(Protocol):
    @property
    def answer(self) -> dict[str, Any]: ...


AnsweredType = TypeVar("AnsweredType", bound=_Answered)


def call_gateway(
    operation: str,
    make: Callable[[], AnsweredType],
    *,
    reference: str,
    payment_id: UUID | None,
    request: dict[str, Any],
    request_id: str,
    now: datetime,
) -> AnsweredType:
    """Make one call and keep what was asked and said; no database transaction may be open, but that of a rehearsal.

    :raises GatewayRejectedError: if the gateway said no.
    :raises GatewayUnavailableError: if it was never reached.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayOutcomeUnknownError: if the request was sent and no usable answer came.
    :raises GatewayWriteBlockedError: if it would change something within `reads_only`.
    """
    if operation in _WRITES and _is_read_only.get():
        raise GatewayWriteBlockedError(f"{operation} {reference} was about to be sent.")
    call = GatewayCall.objects.create(
        payment_id=payment_id,
        operation=operation,
        reference=reference,
        request=request,
        started_at=now,
        request_id=request_id,
    )
    try:
        result = make()
    except DomainError as error:
        _complete(call, outcome=_outcome_of(error), error=error)
        _log_failure(call, error)
        raise
    _complete(call, outcome=GatewayOutcome.ANSWERED, answer=result.answer)
    return result


def ask_about(reference: str, *, payment_id: UUID | None, request_id: str, now: datetime) -> Evidence | None:
    """Ask the gateway about a transaction; None if it knows no such reference.

    :raises GatewayUnavailableError: if no usable answer came, or the gateway would not say; a read may be repeated.
    :raises GatewayMisconfiguredError: if it refused our key.
    """
    try:
        found = call_gateway(
            "verify",
            lambda: transactions.find_transaction(reference),
            reference=reference,
            payment_id=payment_id,
            request={},
            request_id=request_id,
            now=now,
        )
    except GatewayRejectedError as error:
        # A look-up that is refused says nothing about the payment, and must not become a key's final answer.
        raise GatewayUnavailableError("Paystack would not look the payment up.", retry_after_seconds=5) from error
    return found.evidence


def _log_failure(call: GatewayCall, error: DomainError) -> None:
    """Say what ails the gateway; the client is told less."""
    cause = error.__cause__
    log = logger.error if isinstance(error, GatewayMisconfiguredError) else logger.warning
    log(
        "gateway_call_failed",
        operation=call.operation,
        reference=call.reference,
        outcome=call.outcome,
        code=call.error_code,
        error=call.error,
        cause=f"{type(cause).__name__}: {cause}" if cause else "",
    )


def _outcome_of(error: DomainError) -> GatewayOutcome:
    if isinstance(error, GatewayRejectedError):
        return GatewayOutcome.REJECTED
    if isinstance(error, GatewayOutcomeUnknownError):
        return GatewayOutcome.UNKNOWN
    return GatewayOutcome.UNAVAILABLE


def _complete(
    call: GatewayCall,
    *,
    outcome: GatewayOutcome,
    answer: dict[str, Any] | None = None,
    error: DomainError | None = None,
) -> None:
    call.outcome = outcome
    call.answer = answer
    call.finished_at = timezone.now()
    if error is not None:
        call.error_code = getattr(error, "gateway_code", "") or error.code
        call.error = error.detail[:500]
        call.answer = getattr(error, "answer", None)
    call.save(update_fields=["outcome", "answer", "error_code", "error", "finished_at"])

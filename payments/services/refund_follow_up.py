"""Bringing refunds to their end: sending what is approved, asking about what was sent."""

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from namaskah.errors import GatewayRejectedError, UnavailableError
from payments.lifecycles import RefundState, TransitionSource
from payments.models import Cause, Refund
from payments.services import due_rows, refund_reports, refund_submission

logger = structlog.get_logger(__name__)

CAUSE: Final = Cause(source=TransitionSource.WORKER)
_LEASE: Final = timedelta(minutes=2)
_AWAY_AFTER: Final = 2


def follow_up_refunds(*, limit_seconds: float = 5.0) -> int:
    """Take due refunds a step further, one at a time, until none is left or `limit_seconds` have passed.

    It ends when the gateway cannot be asked twice in a row: it is away then, and it is not one refund's fault.
    Returns how many were taken up.
    """
    deadline = time.monotonic() + limit_seconds
    looked = unanswered = 0
    while time.monotonic() < deadline:
        claimed = due_rows.claim_due("refunds", limit=1, lease=_LEASE)
        if not claimed:
            break
        looked += 1
        unanswered = 0 if _follow_up_safely(claimed[0]) else unanswered + 1
        if unanswered == _AWAY_AFTER:
            break
    return looked


def follow_up_refund(*, refund_id: UUID, cause: Cause = CAUSE) -> None:
    """Send an approved refund, or ask the gateway about one that it has or may have.

    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    :raises RefundExceedsPaymentError: if a refund made elsewhere is more than what is left.
    :raises RefundContradictedError: if a refund that failed is reported as sent.
    """
    refund = Refund.objects.get(pk=refund_id)
    now = timezone.now()
    if refund.state != RefundState.APPROVED:
        _look(refund, cause=cause, now=now)
        return
    sent = refund_submission.submit_refund(refund_id=refund_id, cause=cause, now=now)
    if sent.state == RefundState.FAILED:
        # It may have been refused because the money went back already, on the gateway's own dashboard.
        refund_reports.sync_refunds(payment_id=sent.payment_id, cause=cause, now=now)


def _look(refund: Refund, *, cause: Cause, now: datetime) -> None:
    try:
        refund_reports.sync_refunds(payment_id=refund.payment_id, cause=cause, now=now, due=[refund.pk])
    except GatewayRejectedError as error:
        # A list that is refused tells nothing, and what is looked for in vain waits for a person in the end.
        logger.warning("refund_list_refused", refund=refund.reference, code=error.gateway_code)
        refund_reports.count_look(payment_id=refund.payment_id, due=[refund.pk], cause=cause, now=now)


def _follow_up_safely(refund_id: UUID) -> bool:
    """Return whether the gateway could be asked."""
    try:
        follow_up_refund(refund_id=refund_id)
    except UnavailableError as error:
        logger.warning("refund_follow_up_put_off", refund_id=str(refund_id), code=error.code)
        return False
    except Exception:
        # Its lease ends, and it is looked at again; the others must not wait for it.
        logger.exception("refund_follow_up_failed", refund_id=str(refund_id))
    return True

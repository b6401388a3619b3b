"""Bringing refunds to their end: sending what is approved, asking about what was sent."""

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from payments.lifecycles import RefundState, TransitionSource
from payments.models import Cause, Refund
from payments.services import due_rows, refund_reports, refund_submission

logger = structlog.get_logger(__name__)

CAUSE: Final = Cause(source=TransitionSource.WORKER)
_LEASE: Final = timedelta(minutes=2)


def follow_up_refunds(*, limit_seconds: float = 10.0) -> int:
    """Take due refunds a step further, one at a time, until none is left or `limit_seconds` have passed."""
    deadline = time.monotonic() + limit_seconds
    looked = 0
    while time.monotonic() < deadline:
        claimed = due_rows.claim_due("refunds", limit=1, lease=_LEASE)
        if not claimed:
            break
        _follow_up_safely(claimed[0])
        looked += 1
    return looked


def follow_up_refund(*, refund_id: UUID, cause: Cause = CAUSE) -> None:
    """Send an approved refund, or ask the gateway about one that it has or may have.

    :raises GatewayUnavailableError: if no usable answer came.
    """
    refund = Refund.objects.get(pk=refund_id)
    now = timezone.now()
    if refund.state == RefundState.APPROVED:
        refund_submission.submit_refund(refund_id=refund_id, cause=cause, now=now)
    else:
        refund_reports.sync_refunds(payment_id=refund.payment_id, cause=cause, now=now, due=[refund_id])


def _follow_up_safely(refund_id: UUID) -> None:
    try:
        follow_up_refund(refund_id=refund_id)
    except Exception:
        # Its lease ends, and it is looked at again; the others must not wait for it.
        logger.exception("refund_follow_up_failed", refund_id=str(refund_id))

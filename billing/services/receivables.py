"""Writing down what a user owes."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog

from billing.lifecycles import ReceivableReason
from billing.models import Receivable

logger = structlog.get_logger(__name__)


def record_receivable(
    *, user_id: int, payment_log_id: UUID, amount: Decimal, reason: ReceivableReason, reference: str, now: datetime
) -> Receivable:
    """Write down credits that the wallet could not cover; the caller holds the database transaction."""
    logger.warning("receivable_recorded", reference=reference, reason=reason, amount=str(amount))
    return Receivable.objects.create(
        user_id=user_id,
        payment_log_id=payment_log_id,
        amount=amount,
        reason=reason,
        reference=reference,
        created_at=now,
    )


def cancel_receivable(*, reference: str, now: datetime) -> None:
    """Note that what `reference` stood for came to nothing; the caller holds the database transaction."""
    if Receivable.objects.filter(reference=reference, cancelled_at__isnull=True).update(cancelled_at=now):
        logger.info("receivable_cancelled", reference=reference)

"""A person lets a difference between the books be."""

from datetime import datetime
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from namaskah.errors import ConflictError, NotFoundError
from payments.lifecycles import BreakState
from payments.models import ReconciliationBreak

logger = structlog.get_logger(__name__)


class BreakNotFoundError(NotFoundError):
    """There is no such break."""


class BreakNotOpenError(ConflictError):
    """The break is closed."""

    code = "concurrent_update"


@transaction.atomic(durable=True)
def dismiss_break(*, break_id: UUID, by: User, reason: str, now: datetime) -> ReconciliationBreak:
    """Close an open break as looked at; no run brings it up again while both sides say the same.

    `reason` has at most 300 characters.

    :raises BreakNotFoundError: if there is none.
    :raises BreakNotOpenError: if it was repaired, is gone, or was dismissed before.
    """
    found = ReconciliationBreak.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if found is None:
        raise BreakNotFoundError(f"There is no break {break_id}.")
    if found.state != BreakState.OPEN:
        raise BreakNotOpenError(f"This break is {found.state}; only open ones are dismissed.")
    found.state = BreakState.DISMISSED
    found.closed_at = now
    found.dismissed_by = by
    found.dismissal_note = reason
    found.save(update_fields=["state", "closed_at", "dismissed_by", "dismissal_note"])
    logger.info("break_dismissed", kind=found.kind, subject=found.subject, by=by.username)
    return found

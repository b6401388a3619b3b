"""Who works on a difference between the books, and a person who lets one be."""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, NotFoundError, PermissionDeniedError
from payments.lifecycles import BreakState
from payments.models import ReconciliationBreak

logger = structlog.get_logger(__name__)

DISMISS_PERMISSION: Final = "payments.dismiss_break"


class BreakNotFoundError(NotFoundError):
    """There is no such break."""


class BreakNotOpenError(ConflictError):
    """The break is closed."""

    code = "concurrent_update"


class BreakAssignmentError(ConflictError):
    """Whoever is to take the break works on it already, or nobody works on what is to be handed back."""

    code = "concurrent_update"


@transaction.atomic(durable=True)
def dismiss_break(*, break_id: UUID, by: User, reason: str, now: datetime) -> ReconciliationBreak:
    """Close an open break as looked at; no run brings it up again while both sides say the same.

    `reason` has at most 300 characters.

    :raises PermissionDeniedError: if `by` may not dismiss breaks.
    :raises BreakNotFoundError: if there is none.
    :raises BreakNotOpenError: if it was repaired, is gone, or was dismissed before.
    """
    found = _lock_open(break_id, by=by, refusal="only open ones are dismissed")
    found.state = BreakState.DISMISSED
    found.closed_at = now
    found.dismissed_by = by
    found.dismissal_note = reason
    found.save(update_fields=["state", "closed_at", "dismissed_by", "dismissal_note"])
    record_action(
        by=by,
        action="break.dismiss",
        subject=found.subject,
        reason=reason,
        before={"kind": found.kind, "state": BreakState.OPEN, "ours": found.ours, "theirs": found.theirs},
        after={"state": found.state},
    )
    logger.info("break_dismissed", kind=found.kind, subject=found.subject, by=by.username)
    return found


@transaction.atomic(durable=True)
def take_break(*, break_id: UUID, by: User) -> ReconciliationBreak:
    """Note that `by` works on an open break, be it nobody's or a colleague's.

    :raises PermissionDeniedError: if `by` may not dismiss breaks.
    :raises BreakNotFoundError: if there is none.
    :raises BreakNotOpenError: if it is closed.
    :raises BreakAssignmentError: if `by` works on it already.
    """
    found = _lock_open(break_id, by=by, refusal="nobody works on it")
    if found.assigned_to_id == by.pk:
        raise BreakAssignmentError("You work on this break already.")
    return _assign(found, by, action="break.take", by=by)


@transaction.atomic(durable=True)
def hand_back_break(*, break_id: UUID, by: User) -> ReconciliationBreak:
    """Note that nobody works on an open break any more: not `by`, or not the colleague who did and is away.

    :raises PermissionDeniedError: if `by` may not dismiss breaks.
    :raises BreakNotFoundError: if there is none.
    :raises BreakNotOpenError: if it is closed.
    :raises BreakAssignmentError: if nobody works on it.
    """
    found = _lock_open(break_id, by=by, refusal="nobody works on it")
    if found.assigned_to_id is None:
        raise BreakAssignmentError("Nobody works on this break.")
    return _assign(found, None, action="break.hand_back", by=by)


def _lock_open(break_id: UUID, *, by: User, refusal: str) -> ReconciliationBreak:
    if not by.has_perm(DISMISS_PERMISSION):
        raise PermissionDeniedError("You may not take or dismiss breaks.")
    found = ReconciliationBreak.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if found is None:
        raise BreakNotFoundError(f"There is no break {break_id}.")
    if found.state != BreakState.OPEN:
        raise BreakNotOpenError(f"This break is {found.state}; {refusal}.")
    return found


def _assign(found: ReconciliationBreak, to: User | None, *, action: str, by: User) -> ReconciliationBreak:
    before = found.assigned_to
    found.assigned_to = to
    found.save(update_fields=["assigned_to"])
    record_action(
        by=by,
        action=action,
        subject=found.subject,
        before={"assigned_to": before.get_username() if before else None},
        after={"assigned_to": to.get_username() if to else None},
    )
    logger.info("break_assigned", kind=found.kind, subject=found.subject, to=to.username if to else None)
    return found

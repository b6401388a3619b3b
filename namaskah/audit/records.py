"""Writing the audit log."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from namaskah.audit.models import AuditEntry, Outcome
from namaskah.audit.origins import get_origin

_LONGEST_SUBJECT: Final = 150
_LONGEST_REASON: Final = 500


def record_action(
    *,
    by: User | None,
    action: str,
    subject: str,
    part_of: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    outcome: Outcome = Outcome.DONE,
) -> AuditEntry:
    """Write down what `by` did to `subject`, in the database transaction of what was done.

    `action` is what people call it, as `payment.refund`; `part_of` is what the subject belongs to, as a refund to its
    payment; `before` and `after` tell what changed, as JSON.
    """
    origin = get_origin()
    return AuditEntry.objects.create(
        actor=by,
        action=action,
        subject=as_subject(subject),
        part_of=_keepable(part_of)[:_LONGEST_SUBJECT],
        outcome=outcome,
        reason=_keepable(reason)[:_LONGEST_REASON],
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        address=origin.address,
        request_id=origin.request_id,
        created_at=timezone.now(),
    )


def as_subject(text: str) -> str:
    """Return what the log keeps of a subject."""
    return _keepable(text)[:_LONGEST_SUBJECT] or "-"


def _keepable(text: str) -> str:
    """Return the text without NUL, which an address may bring and Postgres cannot keep."""
    return text.replace("\x00", "")

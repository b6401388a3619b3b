"""Notes of the staff about a payment or a customer."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from namaskah.audit.models import Note
from namaskah.audit.records import record_action
from namaskah.errors import PermissionDeniedError, RuleViolationError

NOTE_PERMISSION: Final = "audit.add_staff_note"
LONGEST_NOTE: Final = 2000


class NoteTextError(RuleViolationError):
    """The note says nothing, or too much."""

    code = "validation_error"


@transaction.atomic(durable=True)
def add_note(*, subject: str, text: str, key: UUID, by: User, now: datetime) -> Note:
    """Keep a note about `subject`, for good; the same `key` keeps it once.

    :raises PermissionDeniedError: if `by` may not write notes.
    :raises NoteTextError: if the text is blank or longer than LONGEST_NOTE characters.
    """
    if not by.has_perm(NOTE_PERMISSION):
        raise PermissionDeniedError("You may not write notes.")
    said = text.strip()
    if not said or len(said) > LONGEST_NOTE:
        raise NoteTextError(f"A note has 1 to {LONGEST_NOTE} characters.")
    note, is_new = Note.objects.get_or_create(
        pk=key, defaults={"subject": subject, "text": said, "author": by, "created_at": now}
    )
    if is_new:
        record_action(by=by, action="note.add", subject=subject)
    return note


def list_notes(subject: str) -> list[Note]:
    """Return the notes about `subject`, oldest first."""
    return list(Note.objects.filter(subject=subject).select_related("author").order_by("created_at", "pk"))

"""Who looked at what, or tried to: at most once per person, thing and ten minutes, however often a page is loaded."""

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, transaction

from namaskah.audit.models import AuditEntry, Outcome
from namaskah.audit.records import as_subject, record_action

AGAIN_AFTER: Final = timedelta(minutes=10)


def record_look(
    *, by: User, action: str, subject: str, now: datetime, outcome: Outcome = Outcome.DONE, reason: str = ""
) -> None:
    """Write down that `by` looked at `subject`, or was refused it, unless that was written within AGAIN_AFTER.

    Commits at once.
    """
    told = {"action": action, "subject": as_subject(subject), "outcome": outcome}
    looks = AuditEntry.objects.filter(**told, created_at__gt=now - AGAIN_AFTER, actor=by)
    if looks.exists():
        return
    with transaction.atomic(durable=True):
        # Two tabs that load at once: the second waits, and sees what the first wrote.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{action} {as_subject(subject)} {by.pk}"])
        if not looks.exists():
            record_action(by=by, action=action, subject=subject, outcome=outcome, reason=reason)

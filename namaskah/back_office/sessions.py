"""Ending log-ins before their eight hours are over."""

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone


def end_sessions(user: User, *, but: str | None = None) -> int:
    """End every session of the user but the one of that key, in the caller's transaction; return how many there were.

    A session does not say whose it is until it is read: all that are open are, which are those of one day's staff.
    """
    is_open = Session.objects.filter(expire_date__gt=timezone.now())
    theirs = [session.pk for session in is_open if _is_of(session, user) and session.pk != but]
    return Session.objects.filter(pk__in=theirs).delete()[0]


def _is_of(session: Session, user: User) -> bool:
    return bool(session.get_decoded().get(SESSION_KEY) == str(user.pk))

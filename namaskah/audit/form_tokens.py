"""One-time tokens of forms: whatever is sent twice, by a double click, two tabs or the back button, acts once.

A token is taken before its form acts, and given back if that was refused or broke off. It is also the idempotency
key of what the form asks for: sent again after a commit whose answer was lost, it finds what it did.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from namaskah.audit.models import FormToken
from namaskah.errors import ConflictError

LIFETIME: Final = timedelta(hours=8)


class FormTokenError(ConflictError):
    """The form was sent before, is too old, or was made for somebody or something else."""

    code = "concurrent_update"


def issue_token(*, user: User, purpose: str, now: datetime) -> UUID:
    """Return a new token for one sending of the form that `purpose` names."""
    return FormToken.objects.create(id=uuid4(), user=user, purpose=purpose, created_at=now).pk


def claim_token(text: str, *, user: User, purpose: str, now: datetime) -> FormToken:
    """Take the token that a form brought, so that no other sending of it acts; commits at once.

    :raises FormTokenError: if it is none of this user and this form, too old, or taken before.
    """
    token = _find(text, user=user, purpose=purpose)
    if token is None or token.created_at <= now - LIFETIME:
        raise FormTokenError("This form is too old, or was not made for you. Open it again; nothing was done.")
    if not FormToken.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=now):
        raise FormTokenError("This form was sent before. What it asked for is done once, and stands here if it worked.")
    return token


def give_back(token: FormToken) -> None:
    """Let the form be sent again, because what it asked for was refused."""
    FormToken.objects.filter(pk=token.pk).update(used_at=None)


def purge_tokens(*, now: datetime) -> int:
    """Remove tokens that are too old for their forms; return how many."""
    return FormToken.objects.filter(created_at__lte=now - LIFETIME).delete()[0]


def _find(text: str, *, user: User, purpose: str) -> FormToken | None:
    try:
        return FormToken.objects.filter(pk=UUID(text), user=user, purpose=purpose).first()
    except ValueError:
        return None

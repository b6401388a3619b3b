"""Whether two members of the staff are two people: nobody agrees with themselves through an account that they made."""

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q

from namaskah.audit.models import AuditEntry, Outcome
from namaskah.errors import PermissionDeniedError

BOUND_FOR: Final = timedelta(days=30)
# What gives a superuser the means to come in as the member, or the member the rights to decide (back_office.staff).
_TAKE_HOLD: Final = (
    "staff.add",
    "staff.reactivate",
    "staff.change_role",
    "staff.reset_password",
    "staff.reset_second_factor",
)


def check_independent(*, asker: User | None, decider: User, now: datetime) -> None:
    """Refuse a decision between two of whom one had a hand in the other's account within BOUND_FOR.

    :raises PermissionDeniedError: if one had; `asker` of None is nobody of ours.
    """
    told = explain_bond(asker=asker, decider=decider, now=now)
    if told:
        raise PermissionDeniedError(told)


def explain_bond(*, asker: User | None, decider: User, now: datetime) -> str:
    """Return in words why `decider` is no second person beside `asker`; nothing if they are one."""
    if asker is None:
        return ""
    names = [asker.get_username(), decider.get_username()]
    entries = AuditEntry.objects.filter(
        Q(actor=asker, subject=names[1]) | Q(actor=decider, subject=names[0]),
        # Named once more for the index.
        subject__in=names,
        created_at__gt=now - BOUND_FOR,
        action__in=_TAKE_HOLD,
        outcome=Outcome.DONE,
    )
    bond = entries.first()
    if bond is None:
        return ""
    of_asker = f"{names[0]} had a hand in your account"
    whose = of_asker if bond.actor_id == asker.pk else f"You had a hand in {names[0]}'s account"
    days = BOUND_FOR.days
    return f"{whose} within the last {days} days ({bond.action}): for a second look somebody else must decide."

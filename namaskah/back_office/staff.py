"""Members of the staff: who is one, what their role is, and how they come in again.

All of it is for superusers, and nothing of it can be done to oneself: nobody raises their own rights.
"""

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from namaskah.audit.records import record_action
from namaskah.back_office import second_factor
from namaskah.back_office.sessions import end_sessions
from namaskah.errors import ConflictError, NotFoundError, PermissionDeniedError, RuleViolationError

ROLES: Final = ("Support", "Finance", "Operator", "Auditor")
NO_ROLE: Final = ""


class MemberNotFoundError(NotFoundError):
    """There is no such member of the staff."""


class UsernameTakenError(ConflictError):
    """There is an account of this name."""

    code = "concurrent_update"


class MemberError(RuleViolationError):
    """What is asked for makes no sense for this member."""

    code = "validation_error"


def get_member(user_id: int) -> User:
    """Return a member of the staff, deactivated ones too.

    :raises MemberNotFoundError: if there is none.
    """
    member = User.objects.filter(pk=user_id, is_staff=True).first()
    if member is None:
        raise MemberNotFoundError("There is no such member of the staff.")
    return member


def get_role(member: User) -> str:
    """Return the member's role, as `Finance`; several, which only a shell can give, are told together."""
    return ", ".join(sorted(group.name for group in member.groups.all()))


def add_member(*, username: str, email: str, role: str, by: User) -> User:
    """Make an account without a password for a new member of the staff; a link of `make_password_link` sets one.

    :raises PermissionDeniedError: if `by` is no superuser.
    :raises UsernameTakenError: if there is an account of this name, in whatever case.
    :raises MemberError: if name or address cannot be, or there is no such role.
    """
    _check_role(role)
    try:
        with transaction.atomic(durable=True):
            _lock_superuser(by)
            if User.objects.filter(username__iexact=username).exists():
                raise UsernameTakenError(f"There is an account named {username} already.")
            member = User(username=username, email=email, is_staff=True)
            member.set_unusable_password()
            _check_fields(member)
            member.save(force_insert=True)
            _set_role(member, role)
            record_action(by=by, action="staff.add", subject=username, after={"email": email, "role": role or "none"})
    except IntegrityError as error:
        raise UsernameTakenError(f"There is an account named {username} already.") from error
    return member


def change_role(*, user_id: int, role: str, reason: str, by: User) -> User:
    """Give the member this role and nothing beside it; without one they may come in and see nothing.

    :raises PermissionDeniedError: if `by` is no superuser, or the member themselves.
    :raises MemberNotFoundError: if there is no such member.
    :raises MemberError: if there is no such role, they have it already, or they are a superuser.
    """
    _check_role(role)

    def change(member: User) -> tuple[dict[str, Any], dict[str, Any]]:
        if member.is_superuser:
            raise MemberError("Superusers may do everything: a role changes nothing for them.")
        before = {"role": get_role(member) or "none", "permissions": sorted(member.get_user_permissions())}
        after = {"role": role or "none", "permissions": []}
        if before == after:
            raise MemberError(f"{member.get_username()} has this role already.")
        _set_role(member, role)
        return before, after

    return _do("staff.change_role", change, user_id=user_id, reason=reason, by=by)


def deactivate_member(*, user_id: int, reason: str, by: User) -> User:
    """Let the member in no more, and end what sessions they have.

    :raises PermissionDeniedError: if `by` is no superuser, or the member themselves.
    :raises MemberNotFoundError: if there is no such member.
    :raises MemberError: if they are deactivated already.
    """
    return _do("staff.deactivate", _switch(is_active=False), user_id=user_id, reason=reason, by=by)


def reactivate_member(*, user_id: int, reason: str, by: User) -> User:
    """Let a member in again who was deactivated.

    :raises PermissionDeniedError: if `by` is no superuser, or the member themselves.
    :raises MemberNotFoundError: if there is no such member.
    :raises MemberError: if they are active already.
    """
    return _do("staff.reactivate", _switch(is_active=True), user_id=user_id, reason=reason, by=by)


def reset_second_factor(*, user_id: int, reason: str, by: User) -> User:
    """Forget the member's app and recovery codes and end their sessions: at the next log-in they enrol anew.

    :raises PermissionDeniedError: if `by` is no superuser, or the member themselves.
    :raises MemberNotFoundError: if there is no such member.
    """
    return _do("staff.reset_second_factor", _forget_devices, user_id=user_id, reason=reason, by=by)


def reset_second_factor_from_shell(*, user_id: int, reason: str, by: User) -> User:
    """Do the same for whoever has a shell on the server, who may do more than any superuser.

    It is for when the only superuser lost theirs, and so nobody is refused here, not even the member themselves.

    :raises MemberNotFoundError: if there is no such member.
    """
    with transaction.atomic(durable=True):
        return _apply(
            "staff.reset_second_factor", _forget_devices, member=_lock(user_id)[user_id], reason=reason, by=by
        )


def reset_password(*, user_id: int, reason: str, by: User) -> User:
    """Take the member's password and sessions away; a link of `make_password_link` sets a new one.

    :raises PermissionDeniedError: if `by` is no superuser, or the member themselves.
    :raises MemberNotFoundError: if there is no such member.
    """

    def change(member: User) -> tuple[dict[str, Any], dict[str, Any]]:
        before = {"password": "set" if member.has_usable_password() else "not set"}
        member.set_unusable_password()
        member.save(update_fields=["password"])
        return before, {"password": "not set", "sessions_ended": end_sessions(member)}

    return _do("staff.reset_password", change, user_id=user_id, reason=reason, by=by)


def make_password_link(member: User) -> tuple[str, str]:
    """Return what the address of the page to set a password is made of: who, and a token that is good for one time.

    Any later password makes it worthless, and so does PASSWORD_RESET_TIMEOUT.
    """
    return urlsafe_base64_encode(force_bytes(member.pk)), default_token_generator.make_token(member)


Change = Callable[[User], tuple[dict[str, Any], dict[str, Any]]]


def _do(action: str, change: Change, *, user_id: int, reason: str, by: User) -> User:
    if by.pk == user_id:
        raise PermissionDeniedError("Nobody does this to their own account: another superuser must.")
    with transaction.atomic(durable=True):
        member = _lock_superuser(by, user_id)[user_id]
        return _apply(action, change, member=member, reason=reason, by=by)


def _apply(action: str, change: Change, *, member: User, reason: str, by: User) -> User:
    before, after = change(member)
    record_action(by=by, action=action, subject=member.get_username(), reason=reason, before=before, after=after)
    return member


def _lock_superuser(by: User, *others: int) -> dict[int, User]:
    """Lock the rows and return them; `by` must be a superuser now, not when the page was opened."""
    members = _lock(by.pk, *others)
    if not (members[by.pk].is_superuser and members[by.pk].is_active):
        raise PermissionDeniedError("Only superusers manage the staff.")
    return members


def _lock(*user_ids: int) -> dict[int, User]:
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=user_ids, is_staff=True).order_by("pk")
    members = {member.pk: member for member in rows}
    if set(members) != set(user_ids):
        raise MemberNotFoundError("There is no such member of the staff.")
    return members


def _switch(*, is_active: bool) -> Change:
    def change(member: User) -> tuple[dict[str, Any], dict[str, Any]]:
        if member.is_active == is_active:
            raise MemberError(f"{member.get_username()} is {'active' if is_active else 'deactivated'} already.")
        member.is_active = is_active
        member.save(update_fields=["is_active"])
        ended = {} if is_active else {"sessions_ended": end_sessions(member)}
        return {"is_active": not is_active}, {"is_active": is_active, **ended}

    return change


def _forget_devices(member: User) -> tuple[dict[str, Any], dict[str, Any]]:
    before = {"enrolled": second_factor.has_device(member)}
    second_factor.remove_devices(member)
    return before, {"enrolled": False, "sessions_ended": end_sessions(member)}


def _check_role(role: str) -> None:
    if role not in {*ROLES, NO_ROLE}:
        raise MemberError(f"There is no role {role!r}.")


def _check_fields(member: User) -> None:
    try:
        member.full_clean(exclude=["password"])
    except ValidationError as error:
        raise MemberError(" ".join(error.messages)) from error


def _set_role(member: User, role: str) -> None:
    member.groups.set(Group.objects.filter(name=role))
    # What was given beside a role would stay behind unseen.
    member.user_permissions.clear()

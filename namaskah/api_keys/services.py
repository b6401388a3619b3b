"""Issuing and revoking API keys."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from namaskah.api_keys.models import ApiKey
from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, PermissionDeniedError, RuleViolationError
from namaskah.identifiers import new_id

ISSUE_PERMISSION: Final = "api_keys.issue_key"
REVOKE_PERMISSION: Final = "api_keys.revoke_key"


class ApiKeyIssuedBeforeError(ConflictError):
    """The same request issued a key before."""

    code = "concurrent_update"


class ApiKeyOwnerError(RuleViolationError):
    """The account can have no key."""

    code = "validation_error"


def issue_api_key(
    *,
    user: User,
    name: str,
    expires_in: timedelta | None,
    by: User | None,
    now: datetime,
    key: UUID | None = None,
    in_shell: bool = False,
) -> tuple[ApiKey, str]:
    """Make a key of `user`; return it and its secret, which is shown this once and stored nowhere.

    `expires_in` of None is a key without end. `by` is None in a shell where nobody named themselves, and nobody is
    refused. The same `key` issues one API key: its secret is gone when it is asked for again.

    A key lends the rights of its account to whoever reads it. So one for an account that may do anything beyond its
    own is issued `in_shell` alone.

    :raises PermissionDeniedError: if `by` may issue none, or none for such an account.
    :raises ApiKeyOwnerError: if the account is deactivated, for a key would open nothing.
    :raises ApiKeyIssuedBeforeError: if `key` issued one before.
    """
    if by is not None:
        _check_issuer(by, user, in_shell=in_shell)
    try:
        with transaction.atomic():
            return _issue(user, name=name, expires_in=expires_in, by=by, now=now, pk=key or new_id())
    except IntegrityError as error:
        if key is None or not ApiKey.objects.filter(pk=key).exists():
            raise
        raise ApiKeyIssuedBeforeError(
            "This form issued a key before, and its secret is not kept. If nobody has it, revoke that key and issue"
            " another."
        ) from error


def revoke_api_key(*, api_key: ApiKey, by: User | None = None, reason: str = "", now: datetime) -> bool:
    """End a key for good; return whether it was still open.

    :raises PermissionDeniedError: if `by` may revoke none.
    """
    if by is not None and not by.has_perm(REVOKE_PERMISSION):
        raise PermissionDeniedError("You may not revoke API keys.")
    with transaction.atomic():
        was_open = bool(ApiKey.objects.filter(pk=api_key.pk, revoked_at__isnull=True).update(revoked_at=now))
        if was_open:
            before, after = _describe(api_key, revoked_at=None), _describe(api_key, revoked_at=now)
            record_action(
                by=by, action="api_key.revoke", subject=_name(api_key), reason=reason, before=before, after=after
            )
    return was_open


def _check_issuer(by: User, user: User, *, in_shell: bool) -> None:
    if not by.has_perm(ISSUE_PERMISSION):
        raise PermissionDeniedError("You may not issue API keys.")
    if (user.is_staff or user.is_superuser) and not by.is_superuser:
        raise PermissionDeniedError("Only a superuser issues keys of members of the staff: a key has their rights.")
    if not in_shell and (user.is_staff or user.is_superuser or user.get_all_permissions()):
        raise PermissionDeniedError(
            f"The account {user.get_username()} may do more than buy for itself, and a key lends its rights to whoever "
            "has it. Such keys are issued by somebody with a shell on the server: "
            f"manage.py create_api_key {user.get_username()} --by …"
        )
    if not user.is_active:
        raise ApiKeyOwnerError(f"The account {user.get_username()} is deactivated: its keys open nothing.")


def _issue(
    user: User, *, name: str, expires_in: timedelta | None, by: User | None, now: datetime, pk: UUID
) -> tuple[ApiKey, str]:
    api_key: ApiKey
    secret: str
    api_key, secret = ApiKey.objects.create(pk=pk, user=user, expiry=None, name=name, last_four="", created_by=by)
    api_key.last_four = secret[-4:]
    api_key.expiry = None if expires_in is None else now + expires_in
    api_key.save(update_fields=["last_four", "expiry"])
    record_action(by=by, action="api_key.issue", subject=_name(api_key), after=_describe(api_key, revoked_at=None))
    return api_key, secret


def _name(api_key: ApiKey) -> str:
    return f"{api_key.user.get_username()}: {api_key}"


def _describe(api_key: ApiKey, *, revoked_at: datetime | None) -> dict[str, Any]:
    """Return what the audit log keeps of it: never more of the secret than its last four characters."""
    return {
        "id": str(api_key.pk),
        "user": api_key.user.get_username(),
        "name": api_key.name,
        "last_four": api_key.last_four,
        "expires_at": api_key.expiry.isoformat() if api_key.expiry else None,
        "revoked_at": revoked_at.isoformat() if revoked_at else None,
    }

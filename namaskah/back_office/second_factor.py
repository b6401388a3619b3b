"""The second factor of staff: codes of an app (TOTP, RFC 6238), and recovery codes for when it is lost."""

import base64
import hashlib
import math
import re
import secrets
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django_otp import login
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.audit.models import Outcome
from namaskah.audit.records import record_action
from namaskah.back_office.sessions import end_sessions

RECOVERY_CODES: Final = 10
_CODE_LENGTH: Final = 10
# Without what looks alike.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_OF_THE_APP: Final = re.compile(r"[0-9]{6}", re.ASCII)


def is_required() -> bool:
    """Whether staff need a second factor here; it is off in demonstrations alone (STAFF_SECOND_FACTOR)."""
    return bool(settings.STAFF_SECOND_FACTOR)


def is_shown(request: HttpRequest) -> bool:
    """Whether the second factor was shown in this session, or none is needed."""
    user: Any = request.user
    return not is_required() or bool(user.is_authenticated and user.is_verified())


def has_device(user: User | AnonymousUser) -> bool:
    """Whether the user has finished enrolling."""
    return isinstance(user, User) and TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def show_code(request: HttpRequest, code: str) -> str:
    """Check a code of the logged-in user and remember it if it is right; return why it is not, or nothing.

    Each wrong code makes the next one wait, twice as long as the one before; app and recovery codes by themselves,
    so that whoever lost the app and guessed is not kept from a recovery code.
    """
    user: User = request.user  # type: ignore[assignment]  # -- the pages are behind the log-in
    typed = _normalize(code)
    with transaction.atomic():
        device = _lock_device(user, typed)
        seconds = _seconds_to_wait(device)
        is_right = bool(device and not seconds and device.verify_token(_as_token(device, typed)))
        _record(user, typed, is_right=is_right, is_early=bool(seconds))
    if device is not None and is_right:
        _remember(request, device)
        return ""
    if seconds:
        return f"There were too many wrong codes: this one was not looked at. Try again in {_tell(seconds)}."
    return f"This code is wrong or was used before. You can try again in {_tell(_seconds_to_wait(device) or 1)}."


def enrol(request: HttpRequest, *, key: str, code: str) -> list[str] | None:
    """Make the app that knows `key` the user's only one, if `code` is what it shows now; return new recovery codes.

    If there was one before, the user's other sessions end: whoever has a stolen recovery code may be in one.

    Nothing changes if the code is wrong, or if another app was enrolled meanwhile that this session did not show.
    """
    user: User = request.user  # type: ignore[assignment]  # -- the pages are behind the log-in
    with transaction.atomic():
        _lock(user)
        is_anew = has_device(user)
        if is_anew and not is_shown(request):
            return None
        device = TOTPDevice(user=user, key=key, name="Authenticator app", confirmed=True)
        # Checked by the device itself, which takes no code twice: not for the next log-in either.
        if not device.verify_token(_normalize(code)):
            transaction.set_rollback(True)
            return None
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        _, codes = _replace_codes(user)
        ended = _end_other_sessions(request, user) if is_anew else 0
        after = {"sessions_ended": ended}
        record_action(by=user, action="second_factor.enrol", subject=user.get_username(), after=after)
    _remember(request, device)
    return codes


def renew_recovery_codes(request: HttpRequest) -> list[str]:
    """Replace the recovery codes of whoever is logged in and return the new ones, which are shown once.

    Their other sessions end: one of the old codes may have opened them.
    """
    user: User = request.user  # type: ignore[assignment]  # -- the pages are behind the second factor
    with transaction.atomic():
        _lock(user)
        device, codes = _replace_codes(user)
        after = {"sessions_ended": _end_other_sessions(request, user)}
        record_action(by=user, action="second_factor.recovery_codes", subject=user.get_username(), after=after)
    app = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
    _remember(request, app or device)
    return codes


def count_recovery_codes(user: User) -> int:
    """Return how many recovery codes the user has left."""
    left: int = StaticToken.objects.filter(device__user=user).count()
    return left


def remove_devices(user: User) -> None:
    """Forget the user's app and recovery codes, in the caller's transaction."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _replace_codes(user: User) -> tuple[StaticDevice, list[str]]:
    # Another device: what was entered with a code of the old one is over with it.
    StaticDevice.objects.filter(user=user).delete()
    device: StaticDevice = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    for code in codes:
        device.token_set.create(token=_digest(device, code))
    return device, codes


def _end_other_sessions(request: HttpRequest, user: User) -> int:
    return end_sessions(user, but=request.session.session_key)


def _digest(device: StaticDevice, code: str) -> str:
    """Return what is stored of a recovery code.

    django-otp would keep it as it is, so that whoever reads a backup of the database could log in. scrypt, because
    fifty random bits are within reach of whoever tries them all against a fast hash; twelve bytes fill its column.
    """
    salt = f"recovery-code:{device.pk}".encode()
    digest = hashlib.scrypt(code.encode(), salt=salt, n=2**12, r=8, p=1, dklen=12)
    return base64.urlsafe_b64encode(digest).decode()


def _normalize(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk").get()


def _lock_device(user: User, typed: str) -> TOTPDevice | StaticDevice | None:
    kind = TOTPDevice if _OF_THE_APP.fullmatch(typed) else StaticDevice
    found: TOTPDevice | StaticDevice | None = (
        kind.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk").first()
    )
    return found


def _as_token(device: TOTPDevice | StaticDevice, typed: str) -> str:
    return _digest(device, typed) if isinstance(device, StaticDevice) else typed


def _seconds_to_wait(device: TOTPDevice | StaticDevice | None) -> int:
    if device is None:
        return 0
    is_allowed, why = device.verify_is_allowed()
    if is_allowed:
        return 0
    left: timedelta = why["locked_until"] - timezone.now()
    return max(1, math.ceil(left.total_seconds()))


def _tell(seconds: int) -> str:
    if seconds < 120:  # noqa: PLR2004 -- two minutes
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{math.ceil(seconds / 60)} minutes"


def _remember(request: HttpRequest, device: TOTPDevice | StaticDevice) -> None:
    login(request, device)
    # A session that was guessed before must not become one with a second factor.
    request.session.cycle_key()


def _record(user: User, typed: str, *, is_right: bool, is_early: bool) -> None:
    kind = "code" if _OF_THE_APP.fullmatch(typed) else "recovery_code"
    record_action(
        by=user,
        action=f"second_factor.{kind}",
        subject=user.get_username(),
        reason="too soon after wrong ones" if is_early else "",
        outcome=Outcome.DONE if is_right else Outcome.REFUSED,
    )

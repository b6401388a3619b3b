"""Log-ins of the staff: in the audit log, for eight hours, and locked out after failures."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from namaskah.api import rate_limits
from namaskah.api.client_address import get_client_address
from namaskah.audit.models import Outcome
from namaskah.audit.records import record_action
from namaskah.back_office import step_up


def get_address(request: HttpRequest) -> str | None:
    """Return the peer's address for counting failures, an IPv6 one as the first of its network."""
    address = get_client_address(request).split("/")[0]
    return address if address != "unknown" else None


def show_lockout(request: HttpRequest, *_arguments: Any) -> HttpResponse:
    """Say that there were too many wrong passwords, and for how long nobody is let in."""
    minutes = settings.AXES_COOLOFF_TIME.total_seconds() // 60
    return render(request, "back_office/locked_out.html", {"minutes": int(minutes)}, status=429)


def find_flood(request: HttpRequest) -> HttpResponse | None:
    """Count a try to log in; return the page that refuses it once an address has tried too often within a minute.

    Every failure is written to the audit log, from which nothing is ever removed: nobody is to fill it at will.
    """
    usage = rate_limits.count("authentication", f"log_in {get_client_address(request)}")
    if not usage.is_exceeded:
        return None
    context = {"seconds": usage.seconds_left}
    response = render(request, "back_office/too_many_log_ins.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(usage.seconds_left)
    return response


def listen() -> None:
    """Note each log-in, and each that failed, in the audit log."""
    user_logged_in.connect(_note_log_in, dispatch_uid="audit")
    user_logged_out.connect(_note_log_out, dispatch_uid="audit")
    user_login_failed.connect(_note_failure, dispatch_uid="audit")
    user_locked_out.connect(_note_lockout, dispatch_uid="audit")


def _note_log_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    # Whoever logs in anew over a session that is still open shows the second factor anew too.
    if request.session.pop(DEVICE_ID_SESSION_KEY, None) is not None:
        request.session.cycle_key()
    # To the minute it was said: writing to the session would otherwise prolong it.
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    step_up.note_proof(request, now=timezone.now())
    record_action(by=user, action="log_in", subject=user.get_username())


def _note_log_out(user: User | None, **_rest: Any) -> None:
    if user is not None:
        record_action(by=user, action="log_out", subject=user.get_username())


def _note_failure(credentials: dict[str, Any], **_rest: Any) -> None:
    record_action(by=None, action="log_in", subject=_name(credentials.get("username")), outcome=Outcome.REFUSED)


def _note_lockout(username: str | None = None, **_rest: Any) -> None:
    record_action(by=None, action="lock_out", subject=_name(username), outcome=Outcome.REFUSED)


def _name(username: Any) -> str:
    """Return who it said it was; NUL cannot be stored."""
    return str(username or "-").replace("\x00", "")

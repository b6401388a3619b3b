"""Proving anew who sits there, before money moves: a session may be older than the person before the screen."""

from datetime import datetime, timedelta
from typing import Final

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from namaskah.back_office import second_factor

FRESH_FOR: Final = timedelta(minutes=15)
FIELD: Final = "proof"
_PROVED_AT: Final = "proved_at"


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    """Whether a password or a code was shown within FRESH_FOR."""
    proved_at = request.session.get(_PROVED_AT)
    return isinstance(proved_at, float) and now.timestamp() - proved_at < FRESH_FOR.total_seconds()


def note_proof(request: HttpRequest, *, now: datetime) -> None:
    """Remember that who sits there was proved now."""
    request.session[_PROVED_AT] = now.timestamp()


def add_field(form: forms.Form) -> None:
    """Ask for a proof in the form itself, so that nothing that was typed is lost."""
    what = "A code of your authenticator app, or a recovery code" if second_factor.is_required() else "Your password"
    form.fields[FIELD] = forms.CharField(
        max_length=200,
        label=what,
        help_text="It has been a while since you showed who you are.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "one-time-code"}),
    )


def check_proof(request: HttpRequest, proof: str, *, now: datetime) -> str:
    """Check what was typed, and remember it if it is right; return why it is not taken, or nothing."""
    if second_factor.is_required():
        refusal = second_factor.show_code(request, proof)
    else:
        # Through the log-in's own check, which counts failures and locks out.
        is_right = authenticate(request, username=request.user.get_username(), password=proof) == request.user
        refusal = "" if is_right else "This is not your password. After five wrong ones nobody is let in for a while."
    if not refusal:
        note_proof(request, now=now)
    return refusal

"""What stands before somebody's change of their own password: a session left open must not become another's."""

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from namaskah.audit.models import Outcome
from namaskah.audit.records import record_action
from namaskah.back_office import log_ins, second_factor, second_factor_pages, step_up
from namaskah.back_office.action_pages import get_member


def find_obstacle(request: HttpRequest) -> HttpResponse | None:
    """Return the page that is shown instead of the change, if anything stands in its way.

    A code must have been shown a short while ago. The old password is checked as at the log-in: wrong ones are counted,
    lock out and are written down.
    """
    if second_factor.is_required() and not step_up.is_fresh(request, now=timezone.now()):
        messages.info(request, "Show a code first, then change your password.")
        return second_factor_pages.redirect_to_second_factor(request, then=request.path)
    old = request.POST.get("old_password", "")
    if request.method != "POST" or not old:
        return None
    flood = log_ins.find_flood(request)
    return flood or _check_old(request, old)


def _check_old(request: HttpRequest, old: str) -> HttpResponse | None:
    by = get_member(request)
    if authenticate(request, username=by.get_username(), password=old) == by:
        return None
    record_action(
        by=by,
        action="password.change",
        subject=by.get_username(),
        outcome=Outcome.REFUSED,
        reason="not the old password, or locked out",
    )
    # The form says itself that a password is wrong; who is locked out is not told whether it was right.
    return log_ins.show_lockout(request) if by.check_password(old) else None

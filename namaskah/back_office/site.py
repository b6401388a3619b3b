"""The site of the back office: staff with a second factor."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.sites import UnfoldAdminSite

from namaskah.audit.looks import record_look
from namaskah.audit.models import Outcome
from namaskah.audit.records import record_action
from namaskah.back_office import (
    log_ins,
    navigation,
    password_changes,
    password_links,
    second_factor,
    second_factor_pages,
)
from namaskah.back_office.action_pages import NotedRefusal, get_member
from namaskah.back_office.columns import EMPTY
from namaskah.back_office.log_in_forms import LogInForm
from namaskah.back_office.read_only_pages import ReadOnlyAdmin

_pages: list[URLPattern] = []


def note_refusal(request: HttpRequest, *, subject: str) -> None:
    """Write down that a page was not opened, once in a while, or that a form was not taken."""
    refused: dict[str, Any] = {"by": get_member(request), "outcome": Outcome.REFUSED, "reason": "not permitted"}
    if request.method in {"GET", "HEAD"}:
        record_look(**refused, action="page.open", subject=subject, now=timezone.now())
    else:
        record_action(**refused, action="page.send", subject=subject)


def add_page(route: str, view: Callable[..., HttpResponseBase], *, name: str) -> None:
    """Add a page that belongs to no single model; called when the apps' pages are registered."""
    _pages.append(path(route, admin.site.admin_view(view), name=name))


class BackOffice(UnfoldAdminSite):
    """Unfold's site, behind a second factor."""

    site_header = "Namaskah payments"
    site_title = "Namaskah payments"
    index_title = "Dashboard"
    empty_value_display = EMPTY
    login_form = LogInForm

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Show what is ours alone: the pages of libraries know nothing of our rules, and show secrets."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Note in the audit log what a member of the staff may not see."""

        @wraps(view)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except NotedRefusal:
                raise
            except PermissionDenied:
                note_refusal(request, subject=request.path)
                raise

        return super().admin_view(noted, cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in active staff whose second factor was shown in this session."""
        return super().has_permission(request) and second_factor.is_shown(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the second factor, which stand before it, and those of no single model."""
        pages = [
            path("second-factor/", second_factor_pages.ShowSecondFactor.as_view(), name="second-factor"),
            path("second-factor/enrol/", second_factor_pages.EnrolSecondFactor.as_view(), name="second-factor-enrol"),
            path("second-factor/mine/", second_factor_pages.MySecondFactor.as_view(), name="second-factor-mine"),
            # Django's own sends whoever has not shown the second factor back to it.
            path("logout/", self.logout, name="logout"),
            path("set-password/<uidb64>/<token>/", password_links.SetPassword.as_view(), name="set-password"),
        ]
        # unfold's search keeps its results in a cache that holds JSON alone; the side bar has every page.
        own = [url for url in super().get_urls() if getattr(url, "name", "") != "search"]
        return [*pages, *_pages, *own]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send staff who are logged in on to their second factor, and from there to the page that they asked for."""
        if request.method == "GET" and super().has_permission(request):
            wanted = second_factor_pages.get_next(request)
            if second_factor.is_shown(request):
                return HttpResponseRedirect(wanted)
            return second_factor_pages.redirect_to_second_factor(request, then=wanted)
        flood = log_ins.find_flood(request) if request.method == "POST" else None
        answer: HttpResponse = flood or super().login(request, extra_context)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let members of the staff change their password, and note when they did."""
        obstacle = password_changes.find_obstacle(request)
        if obstacle is not None:
            return obstacle
        answer: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            by = get_member(request)
            record_action(by=by, action="password.change", subject=by.get_username())
        return answer

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Say on every page how one gets back, and where the second factor is off."""
        context = super().each_context(request)
        way = navigation.list_way(request) if self.has_permission(request) else []
        return {**context, "way": way, "second_factor_is_off": not settings.STAFF_SECOND_FACTOR}

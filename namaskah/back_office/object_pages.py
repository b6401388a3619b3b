"""One row on a page of our own: what it is, why, and what can be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern

from namaskah.back_office.action_pages import ActionPage, get_member
from namaskah.back_office.read_only_pages import ReadOnlyAdmin


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that whoever looks may do now."""

    label: str
    url: str
    takes_away: bool = False


class ObjectPage(ReadOnlyAdmin):
    """A read-only list whose rows have a page made from `page_template`, with the actions that are allowed."""

    page_template: ClassVar[str]
    action_pages: ClassVar[Sequence[type[ActionPage]]] = ()

    def describe(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the template shows."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the actions; before Django's own, which take any text for a row."""
        urls: list[URLPattern] = super().get_urls()
        return [page.as_path(seen_with=self.view_permission) for page in self.action_pages] + urls

    def list_offers(self, request: HttpRequest, row: Any) -> list[Offer]:
        """Return what whoever looks may do with the row as it is now."""
        by = get_member(request)
        return [
            Offer(page.title, page.address_of(row), page.takes_away)
            for page in self.action_pages
            if page.is_offered_to(by, row)
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row."""
        del form_url
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        row: models.Model | None = self.get_object(request, unquote(object_id))
        if row is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return missing
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "opts": self.opts,
            "row": row,
            "offers": self.list_offers(request, row),
            **self.describe(request, row),
            **(extra_context or {}),
        }
        return render(request, self.page_template, context)

"""Actions that are offered above a list, and actions that hand out a secret."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from namaskah.back_office.action_pages import ActionPage, Fact


class ListAction(ActionPage):
    """An action that is offered above a list, because what it is about is not there yet."""

    # What it makes, as `a new API key`.
    makes: ClassVar[str]
    # The list, as `admin:api_keys_apikey_changelist`.
    list_url_name: ClassVar[str]

    @classmethod
    def address_of(cls, subject: Any = None) -> str:
        """Return the address of this page."""
        del subject
        return reverse(f"admin:{cls._url_name()}")

    def find(self, **where: Any) -> Any:
        """Return what it makes, in words."""
        del where
        return self.makes

    def describe(self, subject: Any) -> str:
        """Return what it makes, in words."""
        return str(subject)

    def version(self, subject: Any) -> str:
        """Return nothing: nothing is shown that could change."""
        del subject
        return ""

    def facts(self, subject: Any) -> Sequence[Fact]:
        """Show nothing above the form."""
        del subject
        return ()

    def url_of(self, subject: Any) -> str:
        """Return the list."""
        del subject
        return reverse(self.list_url_name)


class ShownOnce:
    """For actions that return a secret: it is on the page that answers, and nowhere else."""

    once_title: ClassVar[str]
    once_note: ClassVar[str]

    def answer(self: Any, request: HttpRequest, subject: Any, told: str) -> HttpResponse:
        """Show the secret; no cache keeps the page, and sent again the form shows nothing."""
        context = {
            **admin.site.each_context(request),
            "title": self.once_title,
            "secret": told,
            "note": self.once_note,
            "back_url": self.url_of(subject),
        }
        response = render(request, "back_office/shown_once.html", context)
        add_never_cache_headers(response)
        return response

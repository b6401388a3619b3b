"""Lists and pages that show and change nothing."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_permission_codename
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from namaskah.back_office import navigation
from namaskah.back_office.action_pages import get_member
from namaskah.back_office.exports import ExportedList
from namaskah.back_office.filters import choose_field, has_few_values
from namaskah.back_office.list_actions import ListAction
from namaskah.back_office.paging import UncountedList, WrongParameterError

# Fields that no page shows, of whichever model: Django's lists take any field of their model for a filter.
_SECRETS: Final = frozenset({"password", "digest", "token_key", "owner_token", "fingerprint", "response_body", "body"})


class ReadOnlyAdmin(ExportedList):
    """Money rows have no add, change or delete, for anyone; a correction is a new entry."""

    # Offered above the list.
    list_actions: ClassVar[Sequence[type[ListAction]]] = ()

    # Lookups that links of ours narrow the list by, beside its filters.
    linked_lookups: ClassVar[frozenset[str]] = frozenset()
    # Never a count over the table or over what a filter leaves of it.
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    # Said where the table is empty.
    empty_sentence: ClassVar[str] = "Nothing yet."
    list_filter_submit = True
    actions = None
    # Nothing is ever filled in; without it Django warns of its next default at every page.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the list's actions; before Django's own, which take any text for a row."""
        return [*(page.as_path(seen_with=self.view_permission) for page in self.list_actions), *super().get_urls()]

    @property
    def view_permission(self) -> str:
        """Who sees the rows, as `billing.view_wallet`."""
        return f"{self.opts.app_label}.{get_permission_codename('view', self.opts)}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and offer above it what whoever looks may do."""
        by = get_member(request)
        offers = [
            {"label": page.title, "url": page.address_of()}
            for page in self.list_actions
            if page.is_offered_to(by, page.makes)
        ]
        page = navigation.find_page(request.path)
        title = page["title"] if page else str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, "list_offers": offers, **(extra_context or {})})

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Lead back to the list; Django supposes that the row was deleted, which none is."""
        messages.warning(request, f'There is no {opts.verbose_name} with the id "{object_id[:50]}".')
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the filters; what is only the name of a field of few values becomes a plain field."""
        filters = super().get_list_filter(request)
        return [
            choose_field(self.model, named) if isinstance(named, str) and has_few_values(self.model, named) else named
            for named in filters
        ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse to filter by a secret, which whoever asks for its characters one by one would learn; and by NUL."""
        is_secret = not _SECRETS.isdisjoint(lookup.split(LOOKUP_SEP))
        return not is_secret and "\0" not in value and bool(super().lookup_allowed(lookup, value, request))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say why, where the list cannot be narrowed as the address asks; Django shows the whole list then."""
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            told = str(error) if isinstance(error, WrongParameterError) else "The list knows no such filter."
            messages.error(request, f"{told} The list is not narrowed by what the address asked for.")
            raise

    def get_changelist(self, request: HttpRequest, **_rest: Any) -> type[UncountedList]:  # noqa: ARG002 -- Django's signature
        """Read lists page by page."""
        return UncountedList

    def has_add_permission(self, request: HttpRequest, *_rest: Any) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody deletes rows here."""
        return False

"""Lists that are read page by page and never counted: counting what a filter leaves of a million rows takes seconds."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.http import HttpRequest
from unfold.views import ChangeList

# Postgres walks over all rows before a page: whoever looks for something further back narrows the list.
LAST_PAGE: Final = 200


class WrongParameterError(IncorrectLookupParameters):
    """An address asks for what the list does not have; the text says what, to whoever asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are shown, and how to go on; the addresses are empty where nothing more is."""

    first: int
    last: int
    previous_url: str
    next_url: str
    is_cut_off: bool

    # Django's tag for page numbers asks for it.
    template_name: ClassVar[str] = "back_office/parts/pages.html"


class UncountedList(ChangeList):
    """Reads one row more than it shows, and so knows whether there is another page."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Narrow by what the list's filters and our own links ask for: Django would take any lookup of any field.

        Some of those read the whole table, some end in an error of the database, and some tell of what is not shown.

        :raises WrongParameterError: if the address asks for another.
        """
        found = super().get_filters(request)
        if not found[2].keys() <= self.model_admin.linked_lookups:
            raise WrongParameterError("The list knows no such filter.")
        return found

    def get_results(self, request: HttpRequest) -> None:  # noqa: ARG002 -- Django's signature
        """Read one page."""
        if not 1 <= self.page_num <= LAST_PAGE:
            raise WrongParameterError(f"This list has no page {self.page_num}: it goes as far as page {LAST_PAGE}.")
        start = (self.page_num - 1) * self.list_per_page
        rows = list(self.queryset[start : start + self.list_per_page + 1])
        has_more = len(rows) > self.list_per_page
        self.result_list: list[Any] = rows[: self.list_per_page]
        # As far as is known; nothing shows it, as both are the same.
        self.result_count = self.full_result_count = start + len(self.result_list)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = False
        self.paginator = Page(
            first=start + 1,
            last=self.result_count,
            previous_url=self._url_of(self.page_num - 1) if self.page_num > 1 else "",
            next_url=self._url_of(self.page_num + 1) if has_more and self.page_num < LAST_PAGE else "",
            is_cut_off=has_more and self.page_num == LAST_PAGE,
        )

    def _url_of(self, number: int) -> str:
        url: str = self.get_query_string({PAGE_VAR: number})
        return url

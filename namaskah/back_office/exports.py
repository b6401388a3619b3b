"""Lists as files: what stands in the list now, for spreadsheets, and who took it in the audit log."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any, ClassVar, Final
from unicodedata import category

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from namaskah.audit.models import Outcome
from namaskah.audit.records import record_action
from namaskah.back_office.action_pages import NotedRefusal, get_member
from namaskah.back_office.columns import EMPTY

PERMISSION: Final = "audit.export_rows"
# What spreadsheets open at once, and a person can look through.
MOST_ROWS: Final = 20_000
_CHUNK: Final = 1000
# Excel takes a file for UTF-8 only with it.
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
# Invisible characters, which some spreadsheets skip before they look for a formula, as they skip blanks and quotes.
_INVISIBLE: Final = frozenset({"Cf", "Cc"})
_FORMULA: Final = frozenset("=+-@＝＋－＠")  # noqa: RUF001 -- the wide ones begin formulas too
# What some spreadsheets take for the end of a cell, whatever is quoted.
_ENDS: Final = re.compile(r"([;\t\r\n])")
_NUMBER: Final = re.compile(r"-[0-9][0-9,]*(\.[0-9]+)?", re.ASCII)
_TIME: Final = re.compile(r'<time datetime="([^"]+)"')

Column = tuple[str, Callable[[Any], Any]]


class ExportedList(ModelAdmin):
    """A list that can be taken along as a file, filtered as it is."""

    # Further attributes of a row that belong into the file, as `payment.currency`.
    exported_too: ClassVar[Sequence[str]] = ()

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the file; before Django's own, which take any text for a row."""
        page = path("export/", self.admin_site.admin_view(self.export_rows), name=self._export_url_name())
        return [page, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and offer its file to whoever may have it."""
        offered: dict[str, Any] = {"export_limit": f"{MOST_ROWS:,}"}
        if get_member(request).has_perm(PERMISSION):
            asked = request.GET.urlencode()
            offered["export_url"] = f"{reverse(f'admin:{self._export_url_name()}')}{'?' if asked else ''}{asked}"
        page: HttpResponse = super().changelist_view(request, {**offered, **(extra_context or {})})
        return page

    def export_rows(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Send the rows that the list's filters leave; what was taken, and what was refused, is in the audit log."""
        by = get_member(request)
        asked = _read_filter(request)
        entry: dict[str, Any] = {"by": by, "action": f"{self.opts.model_name}.export", "subject": self.opts.label}
        if not (by.has_perm(PERMISSION) and self.has_view_permission(request)):
            record_action(**entry, after={"filter": asked}, outcome=Outcome.REFUSED, reason="not permitted")
            raise NotedRefusal
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            messages.error(request, "These filters cannot be understood; nothing was exported.")
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        # Counted first, so that what leaves is written down before it does, however the download ends.
        count = rows.order_by()[: MOST_ROWS + 1].count()
        sent = min(count, MOST_ROWS)
        record_action(**entry, after={"filter": asked, "rows": sent})
        lines = _write_lines(self._export_columns(request), rows[:sent], is_cut=count > MOST_ROWS)
        name = f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"},
        )

    def _export_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    def _export_columns(self, request: HttpRequest) -> list[Column]:
        columns = [self._make_column(name) for name in self.get_list_display(request)]
        names = {name for name, _ in columns}
        # An amount in subunits is none without its currency.
        path_ = self._find_currency() if any(name.endswith("_minor") for name in names) else None
        more = [*self.exported_too, *([path_] if path_ else [])]
        return [*columns, *((name, _follow(name)) for name in more if name not in names)]

    def _make_column(self, name: str) -> Column:
        """Return the column of the list as the plain value behind it: the field that it is, or that sorts it."""
        shown = getattr(self, name, None)
        sorted_by = getattr(shown, "admin_order_field", None)
        field = name if shown is None else sorted_by if isinstance(sorted_by, str) else ""
        attribute = field.removeprefix("-").replace(LOOKUP_SEP, ".")
        if attribute and _is_field(self.model, attribute):
            return attribute, _follow(attribute)
        title = str(label_for_field(name, self.model, model_admin=self))
        return title, lambda row: lookup_field(name, row, self)[2]

    def _find_currency(self) -> str | None:
        if _is_field(self.model, "currency"):
            return "currency"
        followed = self.list_select_related if isinstance(self.list_select_related, list | tuple) else ()
        return next((f"{name}.currency" for name in followed if _is_field(self.model, f"{name}.currency")), None)


def _read_filter(request: HttpRequest) -> dict[str, list[str]]:
    """Return what was asked for, without the page and the order; Postgres cannot keep NUL."""
    asked = {name: request.GET.getlist(name) for name in request.GET if name not in {"p", "o"}}
    return {name.replace("\0", ""): [text.replace("\0", "") for text in texts] for name, texts in asked.items()}


def neutralize(value: Any) -> str:
    """Return a value as the text of a cell: exact, plain, and never a formula."""
    text = "" if value == EMPTY else _as_text(value)
    if not isinstance(value, str) or _NUMBER.fullmatch(text):
        return text
    first, *rest = _ENDS.split(text)
    is_odd = _begins_formula(text) or text.startswith(("\t", "\r"))
    later = (f"'{part}" if _begins_formula(part) else part for part in rest)
    return "".join([f"'{first}" if is_odd else first, *later])


def _begins_formula(text: str) -> bool:
    seen = (letter for letter in text if not (letter.isspace() or letter in "'\"" or category(letter) in _INVISIBLE))
    return next(seen, "") in _FORMULA


def _read_html(shown: str) -> str:
    """Return what a column that is only made for people says: of a time the exact one, of anything else the words."""
    moment = _TIME.search(shown)
    if moment:
        return datetime.fromisoformat(moment[1]).astimezone(UTC).isoformat()
    return " ".join(unescape(strip_tags(shown)).split())


_WRITTEN: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    (type(None), lambda _: ""),
    (bool, lambda value: "yes" if value else "no"),
    (datetime, lambda value: str(value.astimezone(UTC).isoformat())),
    (Decimal, lambda value: f"{value:f}"),
    ((dict, list), lambda value: json.dumps(value, default=str)),
    (SafeString, _read_html),
    (object, str),
)


def _as_text(value: Any) -> str:
    return next(write(value) for kind, write in _WRITTEN if isinstance(value, kind))


def _is_field(model: type[models.Model], attribute: str) -> bool:
    first, _, rest = attribute.partition(".")
    try:
        field = model._meta.get_field(first)
    except FieldDoesNotExist:
        return False
    if not rest:
        return bool(field.concrete)
    related = field.related_model
    return isinstance(related, type) and issubclass(related, models.Model) and _is_field(related, rest)


def _follow(attribute: str) -> Callable[[Any], Any]:
    def read(row: Any) -> Any:
        value = row
        for name in attribute.split("."):
            value = getattr(value, name, None)
        # A related row as people call it.
        return str(value) if isinstance(value, models.Model) else value

    return read


class _Line:
    """Where the writer of CSV writes to: it hands each line back."""

    def write(self, text: str) -> str:
        return text


def _write_lines(columns: Sequence[Column], rows: Any, *, is_cut: bool) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield _BYTE_ORDER_MARK + writer.writerow([name for name, _ in columns])
    for row in rows.iterator(chunk_size=_CHUNK):
        yield writer.writerow([neutralize(read(row)) for _, read in columns])
    if is_cut:
        yield writer.writerow([f"Cut after {MOST_ROWS:,} rows: there are more. Narrow the filters to get all of them."])

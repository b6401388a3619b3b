"""How lists and pages write money, times and states."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from namaskah.money import SUBUNITS, format_credits

_SHORT_ENOUGH: Final = 16
EMPTY: Final = "\N{EN DASH}"
# unfold's colours; each label also says its state in words.
GOOD: Final = "success"
BUSY: Final = "info"
CARE: Final = "warning"
BAD: Final = "danger"
QUIET: Final = "default"


@dataclass(frozen=True, slots=True)
class Label:
    """A state as a coloured word; `explanation` shows on hover."""

    text: str
    tone: str = QUIET
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, for a page; `empty` is said when there are none."""

    title: str
    headers: list[str]
    rows: list[list[Any]]
    empty: str = "Nothing yet."
    # Where all of them are, if these are only the newest.
    more_url: str = ""

    @property
    def labelled_rows(self) -> list[list[tuple[str, Any]]]:
        """The rows, each cell with its heading, which stands beside it on a phone."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, on a timeline."""

    at: datetime
    title: str
    tone: str = QUIET
    detail: str = ""
    who: str = ""
    why: str = ""

    @property
    def time(self) -> str:
        """The exact time, by which people compare what happened."""
        return show_exact_time(self.at)


def show_credits(amount: Decimal | None) -> str:
    """Return credits as people read them, thousands apart."""
    if amount is None:
        return EMPTY
    whole, _, rest = format_credits(abs(amount)).partition(".")
    return f"{'-' if amount < 0 else ''}{int(whole):,}.{rest}"


def show_minor(amount_minor: int | None, currency: str) -> str:
    """Return a gateway amount as people read it: `41,250.00 NGN`."""
    return EMPTY if amount_minor is None else f"{Decimal(amount_minor) / SUBUNITS:,.2f} {currency}"


def show_time(moment: datetime | None) -> str | SafeString:
    """Return how long ago something was; the exact time, in the time zone of reports and in UTC, on hover."""
    if moment is None:
        return EMPTY
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        moment.isoformat(),
        show_exact_time(moment),
        _how_long(moment),
    )


def show_duration(earlier: datetime, later: datetime) -> str:
    """Return the time between, by its largest unit: `3 days`."""
    return timesince(earlier, later).split(",")[0]


def show_exact_time(moment: datetime) -> str:
    """Return a time in the time zone of reports, and in UTC."""
    local = moment.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE))
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({moment.astimezone(UTC):%H:%M:%S} UTC)"


def show_label(label: Label) -> SafeString:
    """Return a state as a coloured word, for a column of a list."""
    return mark_safe(render_to_string("back_office/parts/label.html", {"label": label}))  # noqa: S308 -- the template escapes


def name_person(person: User | None) -> str:
    """Return a member of the staff by name, and whether they have left: nobody can ask them any more."""
    if person is None:
        return EMPTY
    return person.get_username() if person.is_active else f"{person.get_username()} (deactivated)"


def as_sentence(text: Any) -> str:
    """Return a name that Django made of a value, as `Amount Mismatch`, in the letters of a sentence."""
    words = str(text).split()
    return " ".join([*words[:1], *map(str.lower, words[1:])]) if all(map(str.istitle, words)) else str(text)


def show_reference(text: str) -> SafeString:
    """Return a reference in letters that can be told apart, which breaks nowhere but on a phone."""
    return format_html('<code class="reference">{}</code>', text)


def show_short_reference(text: str) -> SafeString:
    """Return how a reference begins and ends, where a list shows it beside another; the whole on hover."""
    if len(text) <= _SHORT_ENOUGH:
        return show_reference(text)
    return format_html('<code class="whitespace-nowrap" title="{}">{}…{}</code>', text, text[:4], text[-8:])


def keep_together(text: str) -> SafeString:
    """Return an amount or a date that breaks nowhere."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def hide(text: str) -> SafeString:
    """Return words for those who hear the page: what a link is about where those who see it see that."""
    return format_html('<span class="visually-hidden"> {}</span>', text)


def link(text: Any, url: str) -> SafeString:
    """Return a link."""
    return format_html('<a href="{}" class="text-primary-600 dark:text-primary-400 underline">{}</a>', url, text)


def _how_long(moment: datetime) -> str:
    now = timezone.now()
    if abs(now - moment) < timedelta(minutes=1):
        return "just now"
    if moment > now:
        return f"in {show_duration(now, moment)}"
    return f"{show_duration(moment, now)} ago"

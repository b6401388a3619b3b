"""What a dollar cost, and costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from billing.models import ExchangeRate
from billing.selectors import exchange_rates as selectors
from billing.services import exchange_rates
from billing.services.exchange_rates import NewRate
from namaskah.back_office.action_pages import ActionPage, Fact, Sent, get_member
from namaskah.back_office.columns import (
    BAD,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Table,
    hide,
    link,
    show_exact_time,
    show_label,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage, Offer
from namaskah.errors import NotFoundError


class CurrencyNotFoundError(NotFoundError):
    """The currency needs no exchange rate, or is not sold in."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and its rate in force."""

    code: str
    rate: ExchangeRate | None

    @property
    def pk(self) -> str:
        """What addresses of pages about it have in them."""
        return self.code

    @property
    def rate_id(self) -> UUID | None:
        """The id of the rate in force."""
        return self.rate.pk if self.rate else None


def show_rate(units_per_usd: Decimal) -> str:
    """Return a rate with two decimals at least."""
    whole, _, rest = f"{units_per_usd:,f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def label_age(rate: ExchangeRate | None) -> Label:
    """Return whether one can sell at the rate in force."""
    if rate is None:
        return Label("Not set", BAD, "Nothing is sold in this currency until a rate is set.")
    hours = settings.EXCHANGE_RATE_MAX_AGE_HOURS
    if selectors.is_stale(rate, now=timezone.now()):
        return Label("Out of date", BAD, f"Older than {hours} hours: purchases wait until it is renewed.")
    return Label("In force", GOOD, f"Sells until it is {hours} hours old.")


class RateForm(forms.Form):
    """The new rate."""

    units_per_usd = forms.DecimalField(
        label="New rate",
        min_value=Decimal("0.000001"),
        max_digits=18,
        decimal_places=6,
        help_text="Units of the currency for one dollar, from now on. Purchases already begun keep theirs.",
        widget=UnfoldAdminDecimalFieldWidget(attrs={"autocomplete": "off"}),
    )


class SetExchangeRate(ActionPage):
    """Set what a dollar costs from now on."""

    permission = exchange_rates.SET_PERMISSION
    name = "exchange_rate.set"
    route = "<str:currency>/set/"
    title = "Set a new rate"
    submit_label = "Set the rate from now on"
    form_class = RateForm
    not_now = (
        "The first rate of a currency is set by somebody with a shell on the server: "
        "manage.py set_exchange_rate … --by …"
    )

    @classmethod
    def is_offered(cls, subject: Currency) -> bool:
        """Offer it where there is a rate that the new one can be held against."""
        return subject.rate is not None

    def find(self, **where: Any) -> Currency:
        """Return the currency with its rate in force."""
        rates = selectors.list_rates_in_force(now=timezone.now())
        if where["currency"] not in rates:
            raise CurrencyNotFoundError(f"Nothing is sold in {where['currency']} at an exchange rate.")
        return Currency(where["currency"], rates[where["currency"]])

    def describe(self, subject: Currency) -> str:
        """Return the currency."""
        return subject.code

    def version(self, subject: Currency) -> str:
        """Return which rate is in force."""
        return str(subject.rate_id or "none")

    def facts(self, subject: Currency) -> Sequence[Fact]:
        """Show what is in force."""
        rate = subject.rate
        return [
            Fact("State", label_age(rate)),
            Fact("One dollar costs", f"{show_rate(rate.units_per_usd)} {rate.currency}" if rate else EMPTY),
            Fact("Since", show_time(rate.valid_from) if rate else EMPTY),
            Fact("Possible here", _show_bounds(subject)),
        ]

    def url_of(self, subject: Currency) -> str:
        """Return the history of the currency."""
        return f"{reverse('admin:billing_exchangerate_changelist')}?currency={subject.code}"

    def act(self, subject: Currency, sent: Sent) -> str:
        """Set it."""
        rate = NewRate(
            currency=subject.code,
            units_per_usd=sent.fields["units_per_usd"],
            replaces=subject.rate_id,
            # One person alone confirms nothing.
            is_confirmed=False,
            key=sent.key,
        )
        made = exchange_rates.replace_exchange_rate(rate=rate, by=sent.by, now=sent.now)
        told = f"From now on a dollar costs {show_rate(made.units_per_usd)} {made.currency}"
        if subject.rate is None:
            return f"{told}."
        change = exchange_rates.find_change_percent(subject.rate.units_per_usd, made.units_per_usd)
        return f"{told}: {change:+} % against {show_rate(subject.rate.units_per_usd)}."


def _show_bounds(currency: Currency) -> str:
    """Return how far one person may go, in words."""
    shell = "anything else is confirmed by somebody with a shell on the server."
    bounds = exchange_rates.find_bounds(currency.code, now=timezone.now())
    if bounds is None or bounds[0] > bounds[1]:
        return f"Nothing: the rates of the last 24 hours are too far apart; {shell}"
    lowest, highest = (show_rate(bound) for bound in bounds)
    percent = exchange_rates.LARGEST_UNSEEN_PERCENT
    return f"{lowest} to {highest}, which is within {percent} % of each rate of the last 24 hours; {shell}"


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ObjectPage):
    """What a dollar cost, and costs."""

    list_display = ["currency", "shown_rate", "shown_state", "shown_from", "shown_exactly", "shown_by"]
    list_filter = ["currency"]
    list_select_related = ["set_by"]
    list_before_template = "back_office/exchange_rates.html"
    ordering = ["-valid_from", "-id"]
    page_template = "back_office/object.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the page that sets a rate; before Django's own, which take any text for a row."""
        urls: list[URLPattern] = super().get_urls()
        return [SetExchangeRate.as_path(seen_with=self.view_permission), *urls]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExchangeRate]:
        """Read rates with whether they are in force."""
        return selectors.with_rate_in_force(super().get_queryset(request), now=timezone.now())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what is in force above the history."""
        context = {"table": _list_in_force(may_set=get_member(request).has_perm(SetExchangeRate.permission))}
        answer: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return answer

    @display(description="One dollar costs", ordering="units_per_usd")
    def shown_rate(self, rate: ExchangeRate) -> str:
        """Units of the currency."""
        return f"{show_rate(rate.units_per_usd)} {rate.currency}"

    @display(description="State")
    def shown_state(self, rate: ExchangeRate) -> str:
        """Whether it is in force."""
        return show_label(_label_rate(rate))

    @display(description="Set", ordering="valid_from")
    def shown_from(self, rate: ExchangeRate) -> str:
        """How long ago it was set."""
        return show_time(rate.valid_from)

    @display(description="Valid from")
    def shown_exactly(self, rate: ExchangeRate) -> str:
        """From exactly when on it was in force."""
        return show_exact_time(rate.valid_from)

    @display(description="By")
    def shown_by(self, rate: ExchangeRate) -> str:
        """Who set it."""
        return rate.set_by.get_username() if rate.set_by else "a command"

    def list_offers(self, request: HttpRequest, row: ExchangeRate) -> list[Offer]:
        """Offer to set a new one in the currency."""
        currency = Currency(row.currency, row)
        is_offered = SetExchangeRate.is_offered_to(get_member(request), currency)
        return [Offer(SetExchangeRate.title, SetExchangeRate.address_of(currency))] if is_offered else []

    def describe(self, request: HttpRequest, row: ExchangeRate) -> dict[str, Any]:
        """Tell what a dollar cost, from when on, and who said so."""
        del request
        facts = [
            Fact("State", _label_rate(row)),
            Fact("One dollar costs", self.shown_rate(row)),
            Fact("Valid from", show_exact_time(row.valid_from)),
            Fact("By", self.shown_by(row)),
        ]
        return {"title": f"Exchange rate of {row.currency}", "facts": facts}


def _label_rate(rate: ExchangeRate) -> Label:
    """Return whether a rate that was read by `with_rate_in_force` is in force."""
    is_in_force = getattr(rate, "in_force_id", None) == rate.pk
    return label_age(rate) if is_in_force else Label("Replaced", QUIET, "A newer rate is in force.")


def _list_in_force(*, may_set: bool) -> Table:
    rates = selectors.list_rates_in_force(now=timezone.now())
    return Table(
        title="In force now",
        headers=["Currency", "One dollar costs", "State", "Set", "Change"],
        rows=[
            [
                code,
                f"{show_rate(rate.units_per_usd)} {code}" if rate else EMPTY,
                label_age(rate),
                show_time(rate.valid_from) if rate else EMPTY,
                _link_to_set(Currency(code, rate)) if may_set and rate else EMPTY,
            ]
            for code, rate in rates.items()
        ],
    )


def _link_to_set(currency: Currency) -> str:
    return link(
        format_html("Set a new rate{}", hide(f"of {currency.code}")),
        SetExchangeRate.address_of(currency),
    )

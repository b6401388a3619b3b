"""The dashboard: what needs whoever looks, and how the last thirty days went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from namaskah.back_office.action_pages import get_member
from namaskah.back_office.columns import EMPTY, show_credits, show_minor
from payments.admin import dashboard_charts, dashboard_piles
from payments.admin.dashboard_charts import show_seconds
from payments.admin.dashboard_piles import Tile
from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from payments.selectors.dashboard import FAILED, OPEN, PAID, REVIEW, Count, Figures, find_midnight
from payments.selectors.dashboard_cache import find_figures

_MANY: Final = 100_000
_PAYMENTS: Final = "payments.view_paymentlog"
_EVENTS: Final = "payments.view_webhookevent"
_CAUSES: Final = {
    "gateway_failed": "Declined by Paystack or the bank",
    "gateway_rejected": "Refused by Paystack at the start",
    "gateway_reversed": "Reversed by Paystack",
    "expired": "Nobody paid within three days",
    "never_reached": "Paystack never heard of it",
    PaymentState.REFUNDED: "Sent back without having been credited",
}


@dataclass(frozen=True, slots=True)
class Period:
    """The tiles of a day or a month, and why payments failed in it."""

    title: str
    tiles: Sequence[Tile]
    causes: Sequence[Tile]


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows to whoever looks: nothing of what they may not see."""
    by = get_member(request)
    now = timezone.now()
    sees_payments, sees_events = by.has_perm(_PAYMENTS), by.has_perm(_EVENTS)
    figures = find_figures(now=now) if sees_payments or sees_events else None
    piles = dashboard_piles.describe_piles(by, now=now)
    return {
        **context,
        **piles,
        "periods": _list_periods(figures) if figures and sees_payments else [],
        "charts": _list_charts(figures, by, lag_now=piles.get("lag_now", "")) if figures else [],
        "as_of": _show_clock(figures.measured_at) if figures else "",
        "missing": _list_missing(figures) if figures else [],
        "is_empty": _is_empty(by, figures),
        "sees_nothing": not by.get_all_permissions(),
    }


def _is_empty(by: User, figures: Figures | None) -> bool:
    """Whether it is a new installation, to whoever may know."""
    if figures is None or figures.counts or not by.has_perm(_PAYMENTS):
        return False
    return not PaymentLog.objects.exists()


def _list_missing(figures: Figures) -> list[str]:
    named = {"payments": figures.counts, "the inbox": figures.lags}
    return [name for name, measured in named.items() if measured is None]


def _list_charts(figures: Figures, by: User, *, lag_now: str) -> list[Any]:
    payments = dashboard_charts.list_payment_charts(figures) if by.has_perm(_PAYMENTS) else []
    events = dashboard_charts.list_event_charts(figures, note=lag_now) if by.has_perm(_EVENTS) else []
    return [*payments, *events]


def _list_periods(figures: Figures) -> list[Period]:
    if figures.counts is None:
        return []
    days = figures.list_days()
    return [
        _describe_period("Today", figures, since=days[-1], wait=figures.wait_today),
        _describe_period("Last 30 days", figures, since=days[0], wait=figures.wait_month),
    ]


def _describe_period(title: str, figures: Figures, *, since: date, wait: float | None) -> Period:
    counts = [count for count in figures.counts or () if count.day >= since]
    paid, failed = _sum_payments(counts, PAID), _sum_payments(counts, FAILED)
    moment = find_midnight(since)
    tiles = [
        Tile(
            "Paid, in credits",
            _show_sum(sum((count.credits for count in counts), Decimal(0))),
            [f"{paid:,} payments", *_list_currencies(counts)],
            _list_url(moment, credited__exact=1),
        ),
        Tile(
            "Success share",
            f"{paid / (paid + failed):.1%}" if paid + failed else EMPTY,
            [f"{paid:,} of {paid + failed:,} that ended"],
            _list_url(moment, state__in="completed,refunded,failed"),
        ),
        Tile(
            "Median time to credit", show_seconds(wait), ["from paid to credited"], _list_url(moment, credited__exact=1)
        ),
        Tile("Failed", f"{failed:,}", [], _list_url(moment, state__in="failed,refunded", credited__exact=0)),
        Tile(
            "Not ended",
            f"{_sum_payments(counts, OPEN, REVIEW):,}",
            [f"{_sum_payments(counts, REVIEW):,} of them under review"],
            _list_url(moment, state__in="pending,processing"),
        ),
    ]
    return Period(title, tiles, _list_causes(counts, moment))


def _list_causes(counts: Sequence[Count], since: datetime) -> list[Tile]:
    sums: dict[str, int] = {}
    for count in counts:
        if count.outcome == FAILED:
            sums[count.cause] = sums.get(count.cause, 0) + count.payments
    return [
        Tile(_CAUSES.get(cause, cause.replace("_", " ")), f"{payments:,}", [], _cause_url(since, cause))
        for cause, payments in sorted(sums.items(), key=lambda found: -found[1])
    ]


def _cause_url(since: datetime, cause: str) -> str:
    if cause == PaymentState.REFUNDED:
        return _list_url(since, state__exact=cause, credited__exact=0)
    return _list_url(since, state__exact=PaymentState.FAILED, error_code__exact=cause)


def _list_currencies(counts: Sequence[Count]) -> list[str]:
    sums: dict[str, int] = {}
    for count in counts:
        if count.paid_minor:
            sums[count.currency] = sums.get(count.currency, 0) + count.paid_minor
    return [show_minor(paid_minor, currency) for currency, paid_minor in sorted(sums.items())]


def _sum_payments(counts: Sequence[Count], *outcomes: str) -> int:
    return sum(count.payments for count in counts if count.outcome in outcomes)


def _list_url(since: datetime, **conditions: object) -> str:
    """Return the list of the payments begun since then that fit."""
    query = {**conditions, "created_at__gte": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return f"{reverse('admin:payments_paymentlog_changelist')}?{urlencode(query)}"


def _show_sum(amount: Decimal) -> str:
    """Return credits, and of very many the whole ones: they stand in a narrow place."""
    return show_credits(amount) if amount < _MANY else f"{amount:,.0f}"


def _show_clock(moment: datetime) -> str:
    local = moment.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE))
    return f"{local:%H:%M:%S %Z}"

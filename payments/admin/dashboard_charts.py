"""The charts of the dashboard."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from namaskah.back_office.charts import Bar, Chart, Number, Series
from namaskah.back_office.columns import BAD, BUSY, CARE, EMPTY, GOOD, QUIET
from payments.selectors.dashboard import FAILED, OPEN, PAID, REVIEW, Figures

_MINUTE: Final = 60
_SERIES: Final = {
    PAID: Series("Paid", GOOD),
    FAILED: Series("Failed", BAD),
    REVIEW: Series("Under review", CARE),
    OPEN: Series("Open", QUIET),
}


def list_payment_charts(figures: Figures) -> list[Chart]:
    """Return what was paid per day, and how payments ended."""
    if figures.counts is None:
        return []
    credited = dict.fromkeys(figures.list_days(), Decimal(0))
    outcomes = {day: dict.fromkeys(_SERIES, 0) for day in credited}
    for count in figures.counts:
        if count.day in credited:
            credited[count.day] += count.credits
            outcomes[count.day][count.outcome] += count.payments
    return [
        Chart(
            "Paid per day, in credits",
            "Day",
            [_SERIES[PAID]],
            [_bar(day, [value]) for day, value in credited.items()],
            _show,
        ),
        Chart(
            "Outcomes per day, in payments",
            "Day",
            list(_SERIES.values()),
            [_bar(day, list(found.values())) for day, found in outcomes.items()],
            _show,
        ),
    ]


def list_event_charts(figures: Figures, *, note: str = "") -> list[Chart]:
    """Return how long events waited in the inbox; `note` tells of those that wait still, and so are in no bar."""
    if figures.lags is None:
        return []
    lags = {lag.hour: lag for lag in figures.lags}
    bars = []
    for hour in figures.list_hours():
        lag = lags.get(hour)
        label = f"{hour.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE)):%H:00}"
        bars.append(Bar(label, [lag.median, max(0.0, lag.slow - lag.median)] if lag else [0.0, 0.0]))
    series = [Series("Half of the events within", BUSY), Series("Longer for the slowest twentieth by", CARE)]
    return [Chart("Inbox lag, last 24 hours", "Hour", series, bars, show_seconds, note)]


def show_seconds(seconds: Number | None) -> str:
    """Return a wait as people say it."""
    if seconds is None:
        return EMPTY
    if seconds < 1:
        return f"{float(seconds) * 1000:.0f} ms" if seconds else "0 s"
    if seconds < _MINUTE:
        return f"{float(seconds):.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min" if minutes >= _MINUTE else f"{minutes} min {rest} s"


def _show(value: Number) -> str:
    return f"{float(value):,.0f}"


def _bar(day: date, values: Sequence[Number]) -> Bar:
    return Bar(f"{day:%d %b}", values)

"""The dashboard's figures as they were measured up to a minute ago.

Redis only saves work: while it is away, every page measures for itself. Figures that have become old are shown for
as long as one page measures them anew, so that a crowd of pages does not.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.cache import cache

from payments.selectors.dashboard import Count, Figures, Lag, measure_figures

FRESH_FOR: Final = timedelta(seconds=60)
_KEY: Final = "dashboard:figures"
_LOCK: Final = "dashboard:measuring"
_KEPT_SECONDS: Final = 600
_LOCK_SECONDS: Final = 10


def find_figures(*, now: datetime) -> Figures:
    """Return the figures of the last minute; measured now if there are none."""
    kept = _read(cache.get(_KEY), now=now)
    if kept is not None and now - kept.measured_at < FRESH_FOR:
        return kept
    if kept is not None and not cache.add(_LOCK, 1, _LOCK_SECONDS):
        return kept
    measured = measure_figures(now=now)
    if kept is not None and not measured.is_whole:
        # Old figures tell more than a gap.
        return kept
    cache.set(_KEY, _write(measured), _KEPT_SECONDS)
    cache.delete(_LOCK)
    return measured


def _write(figures: Figures) -> dict[str, Any]:
    return {
        "measured_at": figures.measured_at.isoformat(),
        "today": figures.today.isoformat(),
        "counts": None if figures.counts is None else [_write_count(count) for count in figures.counts],
        "waits": [figures.wait_today, figures.wait_month],
        "lags": None if figures.lags is None else [_write_lag(lag) for lag in figures.lags],
    }


def _write_count(count: Count) -> list[Any]:
    alike = [count.day.isoformat(), count.currency, count.outcome, count.cause]
    return [*alike, count.payments, str(count.credits), count.paid_minor]


def _write_lag(lag: Lag) -> list[Any]:
    return [lag.hour.isoformat(), lag.events, lag.median, lag.slow]


def _read(kept: Any, *, now: datetime) -> Figures | None:
    """Return the kept figures; None if there are none, or another version of the product wrote them."""
    try:
        figures = Figures(
            measured_at=datetime.fromisoformat(kept["measured_at"]),
            today=date.fromisoformat(kept["today"]),
            counts=None if kept["counts"] is None else tuple(_read_count(row) for row in kept["counts"]),
            wait_today=kept["waits"][0],
            wait_month=kept["waits"][1],
            lags=None if kept["lags"] is None else tuple(_read_lag(row) for row in kept["lags"]),
        )
    except (TypeError, KeyError, ValueError, IndexError):
        return None
    # A clock that went back must not keep figures fresh for long.
    return figures if figures.measured_at <= now else None


def _read_count(row: list[Any]) -> Count:
    day, currency, outcome, cause, payments, credited, paid_minor = row
    return Count(date.fromisoformat(day), currency, outcome, cause, payments, Decimal(credited), paid_minor)


def _read_lag(row: list[Any]) -> Lag:
    hour, events, median, slow = row
    return Lag(datetime.fromisoformat(hour), events, median, slow)

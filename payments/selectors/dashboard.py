"""What the dashboard shows of the last thirty days and of the inbox.

A payment belongs to the day on which it was begun, by the clock of REPORT_TIME_ZONE. What has ended is read from an
index that holds all that is asked for, day by day: grouped by plain columns of one day, it never needs to be sorted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg2 import errors

from namaskah.identifiers import find_first_id
from payments.lifecycles import PaymentState

DAYS: Final = 30
HOURS: Final = 24
PAID: Final = "paid"
FAILED: Final = "failed"
REVIEW: Final = "review"
OPEN: Final = "open"
OUTCOMES: Final = (PAID, FAILED, REVIEW, OPEN)
# What a measurement may take, so that a page comes whatever ails the database.
_PATIENCE_MILLISECONDS: Final = 2000

_COUNT_ENDED: Final = """
SELECT given.day, found.*
FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS given (day, start, stop)
CROSS JOIN LATERAL (
    SELECT currency, state, error_code, credited_amount IS NOT NULL, count(*),
        COALESCE(sum(credited_amount), 0), COALESCE(sum(amount_paid_minor), 0)
    FROM payment_logs
    WHERE state IN ('completed', 'failed', 'refunded') AND created_at >= given.start AND created_at < given.stop
    GROUP BY 1, 2, 3, 4
) AS found
"""
# An open payment is due for a look or under review, and of both there are few.
_COUNT_OPEN: Final = """
SELECT (created_at AT TIME ZONE %(zone)s)::date, currency, state, '', review_reason <> '', count(*), 0, 0
FROM payment_logs
WHERE state IN ('pending', 'processing') AND (next_check_at IS NOT NULL OR review_reason <> '')
    AND created_at >= %(since)s
GROUP BY 1, 2, 3, 5
"""
# In tenths of a second: counting is much cheaper than sorting, and finds the median as well.
_COUNT_WAITS: Final = """
SELECT given.day, found.*
FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS given (day, start, stop)
CROSS JOIN LATERAL (
    SELECT (LEAST(EXTRACT(epoch FROM processing_completed_at - paid_at), 864000) * 10)::int, count(*)
    FROM payment_logs
    WHERE state IN ('completed', 'failed', 'refunded') AND created_at >= given.start AND created_at < given.stop
        AND credited_amount IS NOT NULL AND paid_at IS NOT NULL
    GROUP BY 1
) AS found
"""
_LAGS: Final = """
SELECT date_trunc('hour', received_at), count(*),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM processed_at - received_at)::float)
FROM webhook_events
WHERE id >= %(first_id)s AND received_at >= %(since)s AND processed_at IS NOT NULL
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Count:
    """The payments of one day that have the currency, the outcome and, if they failed, the cause in common."""

    day: date
    currency: str
    outcome: str
    cause: str
    payments: int
    credits: Decimal
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How long the events that came within an hour waited for their effect, in seconds."""

    hour: datetime
    events: int
    median: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured; None stands for what took too long. `waits` are seconds from paid to credited."""

    measured_at: datetime
    today: date
    counts: tuple[Count, ...] | None
    wait_today: float | None
    wait_month: float | None
    lags: tuple[Lag, ...] | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing took too long."""
        return self.counts is not None and self.lags is not None

    def list_days(self) -> list[date]:
        """Return the thirty days, today last."""
        return [self.today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]

    def list_hours(self) -> list[datetime]:
        """Return the twenty-four hours, this one last."""
        this_hour = self.measured_at.replace(minute=0, second=0, microsecond=0)
        return [this_hour - timedelta(hours=HOURS - 1 - number) for number in range(HOURS)]


def find_midnight(day: date) -> datetime:
    """Return when the day begins where reports are read."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(settings.REPORT_TIME_ZONE))


def measure_figures(*, now: datetime) -> Figures:
    """Measure everything that the dashboard shows; what takes longer than two seconds is left out."""
    today = now.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE)).date()
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    period = {
        "zone": settings.REPORT_TIME_ZONE,
        "since": find_midnight(days[0]),
        "days": days,
        "starts": [find_midnight(day) for day in days],
        "ends": [find_midnight(day + timedelta(days=1)) for day in days],
    }
    first_hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    ended, unfinished = _measure(_COUNT_ENDED, period), _measure(_COUNT_OPEN, period)
    waits = _measure(_COUNT_WAITS, period)
    lags = _measure(_LAGS, {"since": first_hour, "first_id": find_first_id(first_hour)})
    return Figures(
        measured_at=now,
        today=today,
        counts=None if ended is None or unfinished is None else tuple(map(_read_count, [*ended, *unfinished])),
        wait_today=find_median([(wait, count) for day, wait, count in waits or () if day == today]),
        wait_month=find_median([(wait, count) for _, wait, count in waits or ()]),
        lags=None if lags is None else tuple(Lag(hour, events, *shares) for hour, events, shares in lags),
    )


def find_median(counted: Sequence[tuple[int, int]]) -> float | None:
    """Return the median, in seconds, of waits that are counted by tenths of a second; None if there are none."""
    middle = sum(count for _, count in counted) / 2
    passed = 0
    for wait, count in sorted(counted):
        passed += count
        if passed >= middle:
            return wait / 10
    return None


def _read_count(row: Sequence[Any]) -> Count:
    """Read a row of either query: the mark says of what has ended whether it was credited, else if it is reviewed."""
    day, currency, state, code, is_marked, payments, credited, paid_minor = row
    if state in {PaymentState.PENDING, PaymentState.PROCESSING}:
        return Count(day, currency, REVIEW if is_marked else OPEN, "", payments, Decimal(0), 0)
    if is_marked:
        return Count(day, currency, PAID, "", payments, credited, int(paid_minor))
    return Count(day, currency, FAILED, code or state, payments, Decimal(0), 0)


def _measure(query: str, parameters: Mapping[str, Any]) -> list[Any] | None:
    """Return the rows; None if that takes too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [_PATIENCE_MILLISECONDS])
            cursor.execute(query, parameters)
            return list(cursor.fetchall())
    except OperationalError as error:
        if isinstance(error.__cause__, (errors.QueryCanceled, errors.LockNotAvailable)):
            return None
        raise

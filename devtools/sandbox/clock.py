"""Points in time as Paystack writes them: UTC, milliseconds, `Z`. As text they sort by time."""

from datetime import UTC, date, datetime, timedelta


def now_text() -> str:
    """Return the present moment."""
    return to_text(datetime.now(UTC))


def to_text(moment: datetime) -> str:
    """Write `moment`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later_text(*, days: int) -> str:
    """Return the moment `days` from now."""
    return to_text(datetime.now(UTC) + timedelta(days=days))


def earliest_text(bound: str) -> str:
    """Return the first moment that a filter's `from` lets in; without a zone it is UTC.

    :raises ValueError: if it is neither a date nor a moment.
    """
    return to_text(_parse(bound))


def latest_text(bound: str) -> str:
    """Return the last moment that a filter's `to` lets in; a bare date means the whole day.

    :raises ValueError: if it is neither a date nor a moment.
    """
    moment = _parse(bound)
    if len(bound) == len(date.min.isoformat()):
        moment += timedelta(days=1, milliseconds=-1)
    return to_text(moment)


def _parse(bound: str) -> datetime:
    moment = datetime.fromisoformat(bound)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

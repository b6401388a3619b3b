"""Counting requests against the limits: in Redis for all processes together, else in this process's memory.

The windows are fixed, of a minute; in Redis they begin at another second for each client. So up to
twice the limit may pass within moments, around a window's edge.
"""

import time
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django_ratelimit.core import get_usage
from django_redis.exceptions import ConnectionInterrupted

from namaskah import redis_health
from namaskah.api.local_windows import LocalWindows

logger = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60
# One for each limit, so that made-up addresses can crowd out nobody's requests.
local_windows: Final[dict[str, LocalWindows]] = {
    name: LocalWindows(window_seconds=WINDOW_SECONDS) for name in settings.RATE_LIMITS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of a limit a client has used; `seconds_left` until it is whole again, from 1 to 60."""

    name: str
    limit: int
    used: int
    seconds_left: int

    @property
    def remaining(self) -> int:
        """The requests left in this window."""
        return max(self.limit - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        """Whether the request that was counted last is one too many."""
        return self.used > self.limit


def count(name: str, client: str) -> Usage:
    """Count one request of `client` against the limit called `name`."""
    usage = _measure(name, client, increment=True)
    note_if_reached(usage, client)
    return usage


def note_if_reached(usage: Usage, client: str) -> None:
    """Leave a line at the first request that is one too many, and none at the others of the window."""
    if usage.used == usage.limit + 1:
        logger.warning("rate_limit_reached", limit=usage.name, quota=usage.limit, client=client)


def peek(name: str, client: str) -> Usage:
    """Return what `client` has used of the limit called `name`, without counting."""
    return _measure(name, client, increment=False)


def count_locally(windows: LocalWindows, name: str, client: str, *, increment: bool = True) -> Usage:
    """Count in this process's memory alone."""
    used, seconds_left = windows.count(client) if increment else windows.peek(client)
    return Usage(name=name, limit=settings.RATE_LIMITS[name], used=used, seconds_left=seconds_left)


def _measure(name: str, client: str, *, increment: bool) -> Usage:
    shared = None if redis_health.health.is_paused() else _measure_in_redis(name, client, increment=increment)
    return shared or count_locally(local_windows[name], name, client, increment=increment)


def _measure_in_redis(name: str, client: str, *, increment: bool) -> Usage | None:
    """Return None if nothing was counted, which is no reason to refuse a request."""
    limit, started = settings.RATE_LIMITS[name], time.monotonic()
    try:
        found = get_usage(
            # It would be asked for its method and its user; neither decides here.
            None,
            group=name,
            key=lambda _group, _request: client,
            rate=(limit, WINDOW_SECONDS),
            increment=increment,
        )
    except (ConnectionInterrupted, *redis_health.NO_ANSWER) as error:
        redis_health.health.note_failure()
        logger.warning("rate_limit_counted_locally", limit=name, error=type(error).__name__)
        return None
    # A Redis that takes so long for two commands is as good as none.
    if time.monotonic() - started < settings.REDIS_SOCKET_TIMEOUT_SECONDS:
        redis_health.health.note_success()
    else:
        redis_health.health.note_failure()
    if found is None or found["limit"] != limit or not isinstance(found["count"], int):
        # The window's key went away between the two commands, because Redis was emptied; or it holds no count.
        return None
    # A window lasts until the second that it is named after has passed.
    seconds_left = min(max(found["time_left"] + 1, 1), WINDOW_SECONDS)
    return Usage(name=name, limit=limit, used=found["count"], seconds_left=seconds_left)

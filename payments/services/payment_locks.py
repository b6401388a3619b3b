"""Redis locks around payments: they thin out contention and decide nothing.

What holds is the row lock and the unique index. A lock that cannot be had because Redis is away
counts as had; a lock whose lease ran out is a line in the log.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import structlog
from django.conf import settings
from django_redis import get_redis_connection

from namaskah import redis_health

logger = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.05

# Removes each key that still carries our token, and counts them.
_RELEASE: Final = """
local released = 0
for index, key in ipairs(KEYS) do
    if redis.call('get', key) == ARGV[1] then
        released = released + redis.call('del', key)
    end
end
return released
"""


@contextmanager
def hold_payment_locks(references: Sequence[str], *, wait_seconds: float) -> Iterator[frozenset[str]]:
    """Hold the locks `payment_lock:{reference}` during the block; yield the references whose lock was had.

    The lease is PAYMENT_LOCK_TIMEOUT_SECONDS. Locks held elsewhere are asked for again until
    `wait_seconds` have passed. With Redis unreachable every reference counts as had.
    """
    token = secrets.token_hex(16)
    held, is_redis_used = _acquire(references, token=token, wait_seconds=wait_seconds)
    try:
        yield held
    finally:
        if is_redis_used and held:
            _release(held, token=token)


def _acquire(references: Sequence[str], *, token: str, wait_seconds: float) -> tuple[frozenset[str], bool]:
    deadline = time.monotonic() + wait_seconds
    held: set[str] = set()
    wanted = list(references)
    while True:
        if redis_health.health.is_paused():
            return frozenset(references), bool(held)
        try:
            held.update(_try_acquire(wanted, token=token))
        except redis_health.NO_ANSWER as error:
            redis_health.health.note_failure()
            logger.warning("redis_lock_unavailable", error=type(error).__name__)
            return frozenset(references), True
        redis_health.health.note_success()
        wanted = [reference for reference in wanted if reference not in held]
        if not wanted or time.monotonic() >= deadline:
            return frozenset(held), True
        time.sleep(_POLL_SECONDS)


def _try_acquire(references: Sequence[str], *, token: str) -> list[str]:
    lease_milliseconds = int(settings.PAYMENT_LOCK_TIMEOUT_SECONDS * 1000)
    pipeline = _connection().pipeline(transaction=False)
    for reference in references:
        pipeline.set(_key(reference), token, nx=True, px=lease_milliseconds)
    answers = pipeline.execute()
    return [reference for reference, is_set in zip(references, answers, strict=True) if is_set]


def _release(references: frozenset[str], *, token: str) -> None:
    # After the commit nothing may raise: the credit stands, whatever became of the lock.
    if redis_health.health.is_paused():
        return
    keys = [_key(reference) for reference in references]
    try:
        lost = len(keys) - _connection().eval(_RELEASE, len(keys), *keys, token)
    except redis_health.NO_ANSWER as error:
        redis_health.health.note_failure()
        logger.warning("redis_lock_not_released", error=type(error).__name__)
        return
    if lost:
        logger.warning("redis_lock_lease_expired", count=lost)


def _key(reference: str) -> str:
    return f"payment_lock:{reference}"


def _connection() -> Any:
    return get_redis_connection("locks")

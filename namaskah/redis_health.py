"""Whether Redis answers, as this process has met it: a server that is away must not be waited for again and again."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

# What a call may raise that got no usable answer. redis-py trusts what it reads: bytes that no Redis
# sends come out of it as any of the last three.
NO_ANSWER: Final = (RedisError, AttributeError, TypeError, ValueError)
_FAILURES_BEFORE_PAUSE: Final = 2
_PAUSE_SECONDS: Final = 5.0


class RedisHealth:
    """Remembers failures, so that a process that met two does not ask again for five seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._failures = 0
        self._paused_until = float("-inf")

    def is_paused(self) -> bool:
        """Return whether Redis is not to be asked now."""
        with self._mutex:
            return self._clock() < self._paused_until

    def note_failure(self) -> None:
        """Count a call that got no answer; the second begins a pause, and each pause is one line in the log."""
        with self._mutex:
            now = self._clock()
            # A call that began before the pause says nothing new.
            if now < self._paused_until:
                return
            self._failures += 1
            if self._failures < _FAILURES_BEFORE_PAUSE:
                return
            self._paused_until = now + _PAUSE_SECONDS
            self._failures = 0
        logger.warning("redis_not_asked", seconds=_PAUSE_SECONDS)

    def note_success(self) -> None:
        """Forget the failures: Redis answers."""
        with self._mutex:
            self._failures = 0


# One for all of the process: what a limit has learnt spares a lock the wait.
health = RedisHealth()

"""What keeps a slow or dead gateway from taking the whole process with it."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from namaskah.errors import GatewayUnavailableError

FAILURE_LIMIT: Final = 5
FAILURE_WINDOW_SECONDS: Final = 30.0
REFUSAL_SECONDS: Final = 10.0
SLOT_WAIT_SECONDS: Final = 0.5
# A call that has been open for longer says that the gateway is slow, and waiting for its slot is in vain.
SLOW_CALL_SECONDS: Final = 1.0


# A failed call that was waited for as long as this counts as several.
LONG_CALL_SECONDS: Final = 5.0
_LONG_WEIGHT: Final = 3


class CircuitBreaker:
    """Refuses calls for ten seconds after five failures within thirty, with no success between them.

    A success forgets the failures: one transaction that the gateway cannot look up, asked for again
    and again, must not cut off all the others.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: deque[float] = deque(maxlen=FAILURE_LIMIT)
        self._refusing_until: float | None = None

    def check_closed(self) -> None:
        """Let the call through, or refuse it.

        :raises GatewayUnavailableError: if the breaker is open.
        """
        with self._lock:
            if self._refusing_until is None:
                return
            now = self._clock()
            if now < self._refusing_until:
                raise GatewayUnavailableError(
                    "The payment gateway has failed several times in a row; it is asked again in a few seconds.",
                    retry_after_seconds=math.ceil(self._refusing_until - now),
                )
            # This call is the probe. The others go on being refused until it succeeds; should it never
            # come back, the next one is let through when the time is over again.
            self._refusing_until = now + REFUSAL_SECONDS

    def record_success(self) -> None:
        """Close: the gateway answers."""
        with self._lock:
            self._failed_at.clear()
            self._refusing_until = None

    def record_failure(self, *, seconds: float = 0.0) -> None:
        """Count a call that the gateway did not serve; open at the fifth, or at the second that was waited for long."""
        with self._lock:
            now = self._clock()
            # Two that last 25 s each are all that fit into the window.
            self._failed_at.extend([now] * (_LONG_WEIGHT if seconds >= LONG_CALL_SECONDS else 1))
            is_full = len(self._failed_at) == FAILURE_LIMIT
            if self._refusing_until is None and is_full and now - self._failed_at[0] <= FAILURE_WINDOW_SECONDS:
                self._refusing_until = now + REFUSAL_SECONDS


class CallSlots:
    """How many calls of one process may wait for the gateway at once.

    One more waits a moment for its turn, so that a burst at a healthy gateway is served; at a slow
    one it is refused at once, so that the other threads stay free for requests that need no gateway.
    """

    def __init__(
        self, count: int, *, wait_seconds: float = SLOT_WAIT_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._started_at: dict[object, float] = {}

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot while the block runs.

        :raises GatewayUnavailableError: if none becomes free in time.
        """
        if not self._free.acquire(timeout=0 if self._is_slow() else self._wait_seconds):
            raise GatewayUnavailableError(
                "Too many calls are waiting for the payment gateway.", retry_after_seconds=math.ceil(self._wait_seconds)
            )
        call = object()
        self._started_at[call] = self._clock()
        try:
            yield
        finally:
            del self._started_at[call]
            self._free.release()

    def _is_slow(self) -> bool:
        oldest = min(list(self._started_at.values()), default=None)
        return oldest is not None and self._clock() - oldest > SLOW_CALL_SECONDS

"""Counting in this process's memory: what is left of a limit when Redis is away."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

_OTHERS: Final = object()


class LocalWindows:
    """Counts per key in fixed windows, the same for every key. All methods may be called from many threads.

    At most `max_keys` are told apart; those beyond share one count, so that made-up keys cost no memory.
    """

    def __init__(
        self, *, window_seconds: int = 60, max_keys: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_seconds = window_seconds
        self._max_keys = max_keys
        self._clock = clock
        self._mutex = threading.Lock()
        self._window = -1
        self._counts: dict[Hashable, int] = {}

    def count(self, key: Hashable) -> tuple[int, int]:
        """Count one more; return how many that makes, and the whole seconds until the window has ended."""
        with self._mutex:
            seconds_left = self._turn()
            known = key if key in self._counts or len(self._counts) < self._max_keys else _OTHERS
            self._counts[known] = self._counts.get(known, 0) + 1
            return self._counts[known], seconds_left

    def peek(self, key: Hashable) -> tuple[int, int]:
        """Return the same without counting."""
        with self._mutex:
            seconds_left = self._turn()
            known = key if key in self._counts or len(self._counts) < self._max_keys else _OTHERS
            return self._counts.get(known, 0), seconds_left

    def clear(self) -> None:
        """Forget every count."""
        with self._mutex:
            self._counts.clear()

    def _turn(self) -> int:
        """Begin a new window if the old one has ended; the caller holds the mutex."""
        now = self._clock()
        window = math.floor(now / self._window_seconds)
        if window != self._window:
            self._window = window
            self._counts.clear()
        return math.ceil((window + 1) * self._window_seconds - now)

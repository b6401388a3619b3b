"""File locks that the kernel releases when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.01


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take_now(path: Path, *, shared: bool = False) -> int | None:
    """Lock `path` and return its descriptor, or None when another process holds it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def take_within(path: Path, seconds: float, *, shared: bool = False) -> int | None:
    """Lock `path`, waiting at most `seconds` for its holder."""
    deadline = time.monotonic() + seconds
    while (descriptor := take_now(path, shared=shared)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return descriptor


def is_held(path: Path) -> bool:
    """Say whether a process holds `path` exclusively."""
    descriptor = take_now(path, shared=True)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold `path` exclusively, for as long as it takes to get it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def give_back(descriptor: int) -> None:
    """Give up a lock that was taken."""
    os.close(descriptor)

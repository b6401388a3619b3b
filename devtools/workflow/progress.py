"""Telling the person at the terminal what takes time."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.05
_LAST_LINES = 15
_started = time.monotonic()


def report(message: str) -> None:
    """Print a line with the seconds since the start; on stderr, because stdout is for results."""
    print(f"[{time.monotonic() - _started:6.1f} s] {message}", file=sys.stderr, flush=True)


class Ticker:
    """Reports a step that takes more than a second: after 1 s, then at growing distances."""

    def __init__(self, step: str, now: Callable[[], float] = time.monotonic) -> None:
        self._step = step
        self._now = now
        self._began = now()
        self._next_seconds = 1.0

    @property
    def was_long(self) -> bool:
        """Say whether a line was printed."""
        return self._next_seconds > 1.0

    def __call__(self) -> None:
        """Print a line when one is due."""
        elapsed = self._now() - self._began
        if elapsed >= self._next_seconds:
            report(f"{self._step} … {elapsed:.0f} s")
            self._next_seconds = max(2 * self._next_seconds, elapsed)


@contextmanager
def step(name: str) -> Iterator[Ticker]:
    """Give a ticker to call while waiting, and report the end of what took long."""
    began = time.monotonic()
    ticker = Ticker(name)
    yield ticker
    if ticker.was_long or time.monotonic() - began > 1:
        report(f"{name}: {time.monotonic() - began:.1f} s")


def run_and_capture(
    command: Sequence[str | Path],
    tick: Callable[[], None],
    *,
    environment: Mapping[str, str] | None = None,
    root: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, calling `tick` meanwhile, and return what it printed."""
    # Files, not pipes: nobody reads while we wait.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=environment, cwd=root
        )
        try:
            while process.poll() is None:
                tick()
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, out.read(), errors.read())


def last_lines(text: str, count: int = _LAST_LINES) -> str:
    """Return the end of `text`, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-count:])

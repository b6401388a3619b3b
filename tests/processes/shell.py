"""Commands of `manage.py` as an operator's shell runs them."""

import contextlib
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.processes.product import ROOT

PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """The last line of standard error, after whatever was logged."""
        return (self.stderr.splitlines() or [""])[-1]

    @property
    def has_traceback(self) -> bool:
        """Whether Python itself complained, on a line of its own or in the log."""
        return any(word in self.stderr + self.stdout for word in ("Traceback", "Exception ignored", "BrokenPipe"))


class Shell:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """Start a command; its output is kept for `end`."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", *(_as_argument(argument) for argument in arguments)],
            cwd=ROOT,
            env=self.environment,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        self._started.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a command."""
        stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
        return Ended(process.returncode, stdout or "", stderr or "")

    def run(self, *arguments: Any, **options: Any) -> Ended:
        """Run a command to its end."""
        return self.end(self.start(*arguments, **options))

    def run_into_closed_pipe(self, *arguments: Any) -> Ended:
        """Run a command whose reader has left before the first line."""
        reading, writing = os.pipe()
        os.close(reading)
        try:
            return self.run(*arguments, stdout=writing)
        finally:
            os.close(writing)

    def run_at_terminal(self, *arguments: Any) -> Ended:
        """Run a command whose standard error is a terminal, and its standard output is not."""
        terminal, end = pty.openpty()
        process = self.start(*arguments, stderr=end)
        os.close(end)
        shown: list[bytes] = []
        reader = threading.Thread(target=_read_terminal, args=(terminal, shown))
        reader.start()
        ended = self.end(process)
        reader.join(PATIENCE_SECONDS)
        os.close(terminal)
        return Ended(ended.status, ended.stdout, b"".join(shown).decode())

    def stop(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def running(environment: Mapping[str, str]) -> Iterator[Shell]:
    shell = Shell(environment)
    try:
        yield shell
    finally:
        shell.stop()


def _as_argument(argument: Any) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)


def _read_terminal(terminal: int, shown: list[bytes]) -> None:
    # A terminal whose other end is closed raises an error instead of ending.
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4096):
            shown.append(part)

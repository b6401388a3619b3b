"""The long-running processes of `dev.py up`."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from devtools.embedded.parent_death import ended_with_parent
from devtools.workflow import progress
from devtools.workflow.errors import WorkflowError

_STOP_SECONDS = 40.0


class Children:
    """Processes with a log file each, ended in the order in which they were started."""

    def __init__(self, environment: Mapping[str, str], root: Path, logs: Path) -> None:
        self._environment = environment
        self._root = root
        self._logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with progress.step("Stopping"):
            for name, process in self._processes.items():
                _end(name, process)

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a process in a session of its own: Ctrl-C is for us, who end it in its turn."""
        with self.log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._root,
                start_new_session=True,
                preexec_fn=ended_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- dev.py has one thread
            )

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self._logs / f"{name}.log"

    def check_alive(self) -> None:
        """Refuse to go on without one of them.

        :raises WorkflowError: with the last lines of its log.
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                text = self.log(name).read_text(errors="replace")
                raise WorkflowError(
                    f"{name} ended with status {process.returncode}, see {self.log(name)}:\n{progress.last_lines(text)}"
                )

    def wait_for_line(self, name: str, beginning: str, tick: progress.Ticker) -> None:
        """Wait until a process has printed a line that begins so."""
        while not any(line.startswith(beginning) for line in self.log(name).read_text(errors="replace").splitlines()):
            self.check_alive()
            tick()
            time.sleep(0.05)


def _end(name: str, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        progress.report(f"{name} did not end in {_STOP_SECONDS:.0f} s and is killed")
        process.kill()
        process.wait()

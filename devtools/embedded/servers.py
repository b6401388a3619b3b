"""What the supervisor needs to know about a server, and what both servers share."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from devtools.embedded.accounts import Account
from devtools.embedded.parent_death import ended_with_parent
from devtools.embedded.places import Place

# Nothing of the caller's environment reaches the servers: locale and PG* variables would change how they run.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Server(Protocol):
    """One of the two servers, as the supervisor runs it."""

    name: str
    stop_signal: signal.Signals
    url: str

    def prepare(self) -> None:
        """Make what must stand before a start; the caller knows that no process of the server is left."""

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""

    def is_ready(self) -> bool:
        """Say whether clients are served."""


def data_directory(place: Place, account: Account, name: str) -> Path:
    """Return the directory of that name in the state directory, given to the servers' account."""
    directory = place.state / name
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    account.own(directory)
    return directory


def run_tool(command: list[str | Path], account: Account) -> subprocess.CompletedProcess[str]:
    """Run a tool of a server to its end, as the servers' account."""
    return subprocess.run(
        [os.fspath(part) for part in command],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=ended_with_parent(signal.SIGKILL),
        **account.process_options(),
    )

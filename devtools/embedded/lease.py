"""Using embedded servers: for the duration of a command, or until somebody says stop."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devtools.embedded import locks, places
from devtools.embedded.accounts import server_account
from devtools.embedded.errors import ServersError
from devtools.embedded.places import Place
from devtools.embedded.supervisor import read_keeper

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 150.0
_END_SECONDS = 60.0
_ALONE_SECONDS = 5.0
_POLL_SECONDS = 0.02


# A supervisor outlives the command that started it: its Popen object must not complain about that.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Urls:
    """Where the servers are reached."""

    database: str
    redis: str


class Lease:
    """A command's use of the servers of one place; they run at least until every lease has ended."""

    def __init__(self, place: Place, site_packages: Path, *, durable: bool) -> None:
        self.place = place
        self._site_packages = site_packages
        self._durable = durable
        self._users: int | None = None

    def __enter__(self) -> Self:
        places.prepare(self.place, server_account())
        # Waits for a supervisor that is just ending because nobody used it.
        self._users = locks.take_within(self.place.users_lock, _END_SECONDS, shared=True)
        if self._users is None:
            raise ServersError(
                f"The servers in {self.place.state} neither run nor end: see {self.place.supervisor_log}"
            )
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._users is not None:
            locks.give_back(self._users)
            self._users = None

    def urls(self, waiting: Callable[[], None] = lambda: None) -> Urls:
        """Return where the servers are, once both are ready; start their supervisor if there is none.

        `waiting` is called again and again meanwhile.

        :raises ServersError: if they do not get ready.
        """
        supervisor: subprocess.Popen[bytes] | None = None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if found := read_status(self.place):
                return Urls(database=found["urls"]["postgres"], redis=found["urls"]["valkey"])
            if supervisor is None or supervisor.poll() == 0:
                supervisor = self._spawn()
            elif supervisor.poll() is not None:
                raise ServersError(_last_line(self.place.supervisor_log))
            waiting()
            time.sleep(_POLL_SECONDS)
        raise ServersError(
            f"The servers did not get ready in {_START_SECONDS:.0f} s: see the logs in {self.place.state}"
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start the supervisor; if one runs already, the new one ends at once."""
        durability = "durable" if self._durable else "fast"
        with self.place.supervisor_log.open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "devtools.embedded", self.place.state, self._site_packages, durability],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
                # Ctrl-C at the terminal is for the command; the servers end after it, in order.
                start_new_session=True,
            )
        _started.append(supervisor)
        return supervisor

    def keep(self) -> None:
        """Let the running supervisor stay when this lease ends."""
        status = read_status(self.place)
        if status is None:
            raise ServersError(f"The servers ended at once: see the logs in {self.place.state}")
        self.place.kept.write_text(str(status["supervisor"]))


def read_status(place: Place) -> dict[str, Any] | None:
    """Return what the supervisor published, or None while it does not run or is not ready."""
    try:
        status: dict[str, Any] = json.loads(place.status.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return status if locks.is_held(place.supervisor_lock) and _is_alive(status["supervisor"]) else None


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, PermissionError):  # the number may belong to somebody else by now
        return False
    return True


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else f"The supervisor of the servers ended without a word: see {log.parent}"


def is_kept(place: Place) -> bool:
    """Say whether the servers run because `keep` asked for it."""
    status = read_status(place)
    return status is not None and read_keeper(place) == status["supervisor"]


def release(place: Place) -> bool:
    """Stop keeping the servers and wait for their end; False when another command still uses them."""
    place.kept.unlink(missing_ok=True)
    return wait_for_end(place)


def wait_for_end(place: Place, waiting: Callable[[], None] = lambda: None) -> bool:
    """Wait until the servers have ended; False when they are kept or another command uses them."""
    deadline = time.monotonic() + _END_SECONDS
    while place.state.exists() and locks.is_held(place.supervisor_lock) and time.monotonic() < deadline:
        if _is_used(place) or is_kept(place):
            return False
        waiting()
        time.sleep(_POLL_SECONDS)
    return True


def _is_used(place: Place) -> bool:
    """Say whether a command holds a lease; the supervisor itself holds the lock alone, when it ends."""
    lock = locks.take_now(place.users_lock)
    if lock is not None:
        locks.give_back(lock)
        return False
    return not locks.is_held(place.users_lock)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Keep everybody else from the servers, which do not run.

    :raises ServersError: if a command uses them or they were started to stay.
    """
    places.prepare(place, server_account())
    if is_kept(place):
        raise ServersError("The servers were started to stay: `python3 dev.py services stop` ends them")
    lock = locks.take_within(place.users_lock, _ALONE_SECONDS)
    if lock is None:
        raise ServersError("Another command uses the servers: end it first")
    try:
        yield
    finally:
        locks.give_back(lock)

"""The process that runs both servers for as long as somebody uses them."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devtools.embedded import locks
from devtools.embedded.errors import ServersError
from devtools.embedded.places import Place
from devtools.embedded.watched import WatchedServer

_START_SECONDS = 60.0
_BUSY_POLL_SECONDS = 0.02
_CALM_POLL_SECONDS = 0.1


class Supervisor:
    """Starts the servers, starts a dead one again, and ends both when nobody uses them any more."""

    def __init__(self, place: Place, servers: Sequence[WatchedServer]) -> None:
        self._place = place
        self._servers = servers
        self._stop = threading.Event()

    def run(self) -> None:
        """Run until nobody uses the servers or a signal says to stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self._start()
            self._watch()
        finally:
            self._end()

    def _start(self) -> None:
        """Start everything; a server that dies before it was ever ready is an error, not a reason to try again."""
        for watched in self._servers:
            watched.log.unlink(missing_ok=True)
            watched.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._all_ready() and not self._stop.wait(_BUSY_POLL_SECONDS):
            for watched in self._servers:
                watched.look()
                if watched.process_id is None or time.monotonic() > deadline:
                    raise ServersError(f"{watched.server.name} does not start: {_end_of(watched.log)}")

    def _watch(self) -> None:
        self._publish()
        while not self._stop.wait(_CALM_POLL_SECONDS if self._all_ready() else _BUSY_POLL_SECONDS):
            was_ready = self._all_ready()
            for watched in self._servers:
                watched.look()
            if self._all_ready() != was_ready:
                self._publish()
            if not self._is_wanted():
                return

    def _all_ready(self) -> bool:
        return all(watched.ready for watched in self._servers)

    def _publish(self) -> None:
        """Let the status file stand exactly while both servers are ready."""
        if not self._all_ready():
            self._place.status.unlink(missing_ok=True)
            return
        processes = {watched.server.name: watched.process_id for watched in self._servers}
        urls = {watched.server.name: watched.server.url for watched in self._servers}
        status = json.dumps({"supervisor": os.getpid(), "processes": processes, "urls": urls})
        unfinished = self._place.status.with_suffix(".unfinished")
        unfinished.write_text(status)
        unfinished.rename(self._place.status)

    def _is_wanted(self) -> bool:
        """Say whether to go on; when nobody uses the servers, keep new users out until we have ended.

        The lock that is taken here falls with this process.
        """
        if not Path(__file__).exists() or not self._place.supervisor_lock.exists():
            return False
        if read_keeper(self._place) == os.getpid():
            return True
        return locks.take_now(self._place.users_lock) is None

    def _end(self) -> None:
        self._place.status.unlink(missing_ok=True)
        for watched in self._servers:
            watched.ask_to_stop()
        for watched in self._servers:
            watched.wait_for_end()
        with suppress(OSError):  # not empty after a server had to be killed; the next start uses it as it is
            self._place.sockets.rmdir()


def read_keeper(place: Place) -> int | None:
    """Return the process id of the supervisor that was asked to stay."""
    try:
        return int(place.kept.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return " | ".join(lines[-5:]) or f"it wrote nothing to {log}"


def log_to(path: Path) -> None:
    """Send what this process prints to a file: the terminal it was started from may be gone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)

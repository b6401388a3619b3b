"""One server process: started, found ready, found dead, started again, ended."""

import subprocess
import time

from devtools.embedded import locks, servers
from devtools.embedded.accounts import Account
from devtools.embedded.errors import ServersError
from devtools.embedded.parent_death import ended_with_parent
from devtools.embedded.places import Place

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0
_PREDECESSOR_SECONDS = 60.0
_STOP_SECONDS = 20.0


class WatchedServer:
    """A server and its process.

    The process inherits a locked file, so that the lock falls when its last process has ended: a new
    supervisor waits for what a killed one left behind instead of starting a second server on the same data.
    """

    def __init__(self, server: servers.Server, place: Place, account: Account) -> None:
        self.server = server
        self.ready = False
        self.log = place.state / f"{server.name}.log"
        self._lock = place.state / f"{server.name}.lock"
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_seconds = 0.0
        self._not_before = 0.0

    @property
    def process_id(self) -> int | None:
        """The process of the server, if it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server once nothing of an earlier one is left."""
        lock = locks.take_within(self._lock, _PREDECESSOR_SECONDS)
        if lock is None:
            raise ServersError(f"An earlier {self.server.name} does not end: `fuser -k {self._lock}` ends it")
        try:
            self.server.prepare()
            self._process = self._spawn(lock)
        finally:
            locks.give_back(lock)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.server.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=servers.ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                pass_fds=[lock],
                preexec_fn=ended_with_parent(self.server.stop_signal),  # noqa: PLW1509 -- the supervisor has one thread
                **self._account.process_options(),
            )

    def look(self) -> None:
        """Notice a death or a readiness, and start a dead server again when its time has come."""
        if self._process is None:
            if time.monotonic() >= self._not_before:
                self.start()
        elif self._process.poll() is not None:
            self._note_death()
        elif not self.ready:
            self.ready = self.server.is_ready()
            self._wait_seconds = 0.0 if self.ready else self._wait_seconds

    def _note_death(self) -> None:
        """Set the next start: at once for a server that was ready, later each time for one that cannot start."""
        self._process = None
        self.ready = False
        self._not_before = time.monotonic() + self._wait_seconds
        self._wait_seconds = min(max(_FIRST_WAIT_SECONDS, 2 * self._wait_seconds), _LONGEST_WAIT_SECONDS)

    def ask_to_stop(self) -> None:
        """Send the signal of an orderly end."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(self.server.stop_signal)

    def wait_for_end(self) -> None:
        """Wait for the orderly end, and kill what does not come to it."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.ready = False

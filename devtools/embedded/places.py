"""Where embedded servers keep their data, locks and sockets."""

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devtools.embedded.accounts import Account
from devtools.embedded.binaries import is_open_to_others
from devtools.embedded.errors import ServersError

# sun_path holds 108 bytes with its closing zero (unix(7)); the longest name we put behind the directory is this.
SOCKET_PATH_BYTES = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


@dataclass(frozen=True)
class Place:
    """The state directory of one pair of servers and the directory of its sockets."""

    state: Path
    sockets: Path

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor while it lives."""
        return self.state / "supervisor.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every command that uses the servers; whoever holds it alone may end them."""
        return self.state / "users.lock"

    @property
    def kept(self) -> Path:
        """Names the supervisor that stays although no command uses it."""
        return self.state / "kept"

    @property
    def status(self) -> Path:
        """Written while both servers are ready."""
        return self.state / "status.json"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor said last."""
        return self.state / "supervisor.log"


def place_for(checkout: Path, profile: str) -> Place:
    """Return the place of the servers called `profile` of one checkout."""
    state = _state_root(checkout) / profile
    return Place(state=state, sockets=socket_directory(state))


def place_at(state: Path) -> Place:
    """Return the place whose state directory is `state`."""
    return Place(state=state, sockets=socket_directory(state))


def _state_root(checkout: Path) -> Path:
    """As root the servers run as `nobody`, who often may not enter the checkout: keep their state outside."""
    if os.geteuid() != 0:
        return checkout / ".local" / "servers"
    return Path("/var/tmp") / f"namaskah-root-{_digest(checkout)}"  # noqa: S108 -- owner is checked, see make_private


def socket_directory(state: Path) -> Path:
    """Return a short directory for the sockets: paths of unix sockets are limited to 107 bytes."""
    name = f"namaskah-{os.geteuid()}-{_digest(state)}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- owner is checked, see make_private
        if len(os.fsencode(parent / name / _LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return parent / name
    raise AssertionError("the path below /tmp is short")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def make_private(path: Path, *, owners: set[int], mode: int = 0o700) -> None:
    """Make the directory, or accept one that belongs to `owners` and to nobody's symbolic link."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServersError(f"Cannot make {path} ({error.strerror}): make its parent writable for you") from error
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise ServersError(f"{path} belongs to another user: remove it, or set TMPDIR to a directory of your own")
    path.chmod(mode)


def erase(place: Place) -> None:
    """Remove everything the servers have stored; the caller holds the users lock alone."""
    for entry in place.state.iterdir() if place.state.is_dir() else ():
        if entry.suffix == ".lock":
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def prepare(place: Place, account: Account) -> None:
    """Make the state directory, private to us and enterable for the account of the servers."""
    mode = 0o711 if account.switch else 0o700
    for directory in (place.state.parent, place.state):
        make_private(directory, owners={os.geteuid()}, mode=mode)
    if account.switch and not is_open_to_others(place.state):
        raise ServersError(f"The user of the servers may not enter {place.state}: use a state directory below /var/tmp")


def prepare_sockets(place: Place, account: Account) -> None:
    """Make the directory of the sockets; only the supervisor does, who also removes it."""
    make_private(place.sockets, owners={os.geteuid(), account.user})
    account.own(place.sockets)

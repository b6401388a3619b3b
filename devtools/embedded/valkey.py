"""The embedded Valkey."""

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from devtools.embedded import binaries, copies, servers
from devtools.embedded.accounts import Account
from devtools.embedded.places import Place

_SOCKET_NAME = "valkey.sock"
_ANSWER_SECONDS = 1.0


class Valkey:
    """A Valkey (or Redis) of its own data directory that listens on a unix socket alone."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, place: Place, account: Account, site_packages: Path, *, durable: bool) -> None:
        self._server = binaries.find_valkey(site_packages)
        if account.switch and not binaries.is_open_to_others(self._server):
            self._server = copies.copy_of_valkey(self._server, place.state.parent / "binaries")
        self._place = place
        self._account = account
        self._durable = durable
        self._socket = place.sockets / _SOCKET_NAME
        self.url = f"unix://{quote(str(self._socket))}?db=0"

    def prepare(self) -> None:
        """Make the data directory."""
        servers.data_directory(self._place, self._account, self.name)

    def command(self) -> list[str]:
        """Return the command line: no TCP port, an append-only file when durable, nothing evicted."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._place.state / self.name),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [str(self._server), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def is_ready(self) -> bool:
        """Say whether it answers PING; while it loads its file it answers an error instead."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_SECONDS)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

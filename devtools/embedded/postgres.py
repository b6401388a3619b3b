"""The embedded Postgres."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from devtools.embedded import binaries, copies, servers
from devtools.embedded.accounts import Account
from devtools.embedded.errors import ServersError
from devtools.embedded.places import Place

USER = "namaskah"
DATABASE = "namaskah"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_FIRST_WITH_BUILTIN_LOCALE = 17
_NOT_DURABLE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class Postgres:
    """A Postgres of its own data directory that listens on a unix socket alone."""

    name = "postgres"
    # The fast shutdown: it ends sessions instead of waiting for them
    # (https://www.postgresql.org/docs/current/server-shutdown.html).
    stop_signal = signal.SIGINT

    def __init__(self, place: Place, account: Account, site_packages: Path, *, durable: bool) -> None:
        found = binaries.find_postgres(site_packages)
        self._directory = found.directory
        if account.switch and not binaries.is_open_to_others(found.directory / "postgres"):
            self._directory = copies.copy_of_postgres(found.directory, place.state.parent / "binaries")
        self._major = found.major
        self._place = place
        self._account = account
        self._durable = durable
        self.url = f"postgresql://{USER}@/{DATABASE}?host={quote(str(place.sockets))}"

    @property
    def _cluster(self) -> Path:
        """Data of one major version cannot be read by another."""
        return self._place.state / f"postgres-{self._major}" / "cluster"

    def prepare(self) -> None:
        """Make the database cluster; it appears under its name only when it is complete."""
        parent = servers.data_directory(self._place, self._account, self._cluster.parent.name)
        self._forget_predecessor()
        if self._cluster.exists():
            return
        for leftover in parent.iterdir():
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished = parent / f"unfinished-{os.getpid()}"
        made = servers.run_tool(
            [self._directory / "initdb", "-D", unfinished, *self._initdb_options()],
            self._account,
        )
        if made.returncode != 0:
            raise ServersError(f"initdb failed: {made.stderr.strip()[-600:]}")
        unfinished.rename(self._cluster)

    def _forget_predecessor(self) -> None:
        """Remove the lock files of a killed Postgres.

        Postgres believes in them while a process of that number exists, be it a zombie that nobody reaps or a
        stranger. The caller holds our own lock, which proves that no process of the predecessor is left.
        """
        for lock in (self._cluster / "postmaster.pid", self._place.sockets / _SOCKET_LOCK):
            lock.unlink(missing_ok=True)

    def _initdb_options(self) -> list[str]:
        locale = ["--locale=C"]
        if self._major >= _FIRST_WITH_BUILTIN_LOCALE:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        return ["--username", USER, "--auth=trust", "--encoding=UTF8", "--no-instructions", *locale, *sync]

    def command(self) -> list[str]:
        """Return the command line: no TCP port, and without durability when only tests use it."""
        settings = ["listen_addresses=", "timezone=UTC", "log_timezone=UTC", "logging_collector=off"]
        settings += () if self._durable else _NOT_DURABLE
        options = [part for setting in settings for part in ("-c", setting)]
        return [str(self._directory / "postgres"), "-D", str(self._cluster), "-k", str(self._place.sockets), *options]

    def is_ready(self) -> bool:
        """Say whether our database accepts connections; make it on the very first start."""
        if self._ask("pg_isready").returncode != 0:
            return False
        names = self._ask("psql", "--dbname=postgres", "--no-psqlrc", "-Atc", "SELECT datname FROM pg_database")
        if names.returncode != 0:
            return False
        return DATABASE in names.stdout.split() or self._ask("createdb", DATABASE).returncode == 0

    def _ask(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        target = ["--host", str(self._place.sockets), "--username", USER, *arguments]
        return servers.run_tool([self._directory / tool, *target], self._account)

"""Which account the servers run under: Postgres refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.embedded.errors import ServersError

_UNPRIVILEGED = ("nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """The user and group of the server processes; `switch` says whether that differs from ours."""

    user: int
    group: int
    switch: bool

    def process_options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to start a process under this account."""
        return {"user": self.user, "group": self.group, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give `path` to this account."""
        if self.switch:
            os.chown(path, self.user, self.group)


def server_account() -> Account:
    """Return our own account, or as root an existing unprivileged one."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise ServersError(
        f"Postgres refuses to run as root and there is no user {' or '.join(_UNPRIVILEGED)}: run this as another user"
    )

"""`python -m devtools.embedded STATE SITE_PACKAGES durable|fast`: the supervisor process."""

import os
import sys
from pathlib import Path

from devtools.embedded import locks
from devtools.embedded.accounts import server_account
from devtools.embedded.errors import ServersError
from devtools.embedded.places import place_at, prepare, prepare_sockets
from devtools.embedded.postgres import Postgres
from devtools.embedded.supervisor import Supervisor, log_to
from devtools.embedded.valkey import Valkey
from devtools.embedded.watched import WatchedServer

# Longer than any probe of the lock takes, so that a probe is not mistaken for another supervisor.
_LOCK_SECONDS = 1.0


def main() -> int:
    """Supervise the servers of one state directory, unless another process does so already."""
    state, site_packages, durability = sys.argv[1:]
    place = place_at(Path(state))
    os.umask(0o077)
    try:
        account = server_account()
        prepare(place, account)
        if locks.take_within(place.supervisor_lock, _LOCK_SECONDS) is None:
            return 0
        prepare_sockets(place, account)
        place.status.unlink(missing_ok=True)
        log_to(place.supervisor_log)
        os.chdir("/")
        servers = [
            server(place, account, Path(site_packages), durable=durability == "durable")
            for server in (Postgres, Valkey)
        ]
        Supervisor(place, [WatchedServer(server, place, account) for server in servers]).run()
    except ServersError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

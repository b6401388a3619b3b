"""Starting and ending a sandbox."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.settings import Settings
from devtools.sandbox.web.serving import SandboxServer

# How long a stop takes at most; tests start and stop a sandbox each.
_POLL_SECONDS: Final = 0.005


@contextmanager
def running(
    *,
    secret_key: str,
    webhook_url: str = "",
    database: str = ":memory:",
    host: str = "127.0.0.1",
    port: int = 0,
    retry_seconds: Sequence[float] = (1, 1, 2, 2),
) -> Iterator[Sandbox]:
    """Run a sandbox in this process; port 0 means any that is free, no `webhook_url` that nothing is sent."""
    settings = Settings(secret_key=secret_key, webhook_url=webhook_url, retry_seconds=tuple(retry_seconds))
    sandbox = Sandbox(settings, database)
    try:
        with SandboxServer((host, port), sandbox) as listening:
            sandbox.url = f"http://{host}:{listening.server_address[1]}"
            serving = threading.Thread(target=listening.serve_forever, args=[_POLL_SECONDS], name="sandbox")
            serving.start()
            try:
                yield sandbox
            finally:
                listening.shutdown()
                serving.join()
                sandbox.close()
    finally:
        sandbox.close()
        sandbox.database.close()

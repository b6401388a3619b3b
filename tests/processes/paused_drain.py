"""A drain that stops itself with SIGSTOP after its last write and before its commit.

Run as a process of its own; SIGCONT lets it go on.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

import django


def main() -> None:
    django.setup()
    from django.db import connection  # noqa: PLC0415 -- needs the set-up

    from payments.services import webhooks  # noqa: PLC0415 -- needs the set-up

    with connection.execute_wrapper(_stop_after_marking):
        webhooks.drain_inbox(limit_seconds=5)


def _stop_after_marking(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 -- Django's signature
    result = execute(sql, params, many, context)
    if "status = 'processed'" in sql:
        os.kill(os.getpid(), signal.SIGSTOP)
    return result


if __name__ == "__main__":
    main()

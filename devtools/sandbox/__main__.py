"""`python -m devtools.sandbox`: the sandbox as a process."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from devtools.sandbox import server


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C."""
    options = _parse(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        with server.running(
            secret_key=options.secret_key,
            webhook_url=options.webhook_url,
            database=options.database,
            host=options.host,
            port=options.port,
            retry_seconds=options.retry_seconds,
        ) as sandbox:
            print(f"sandbox ready {sandbox.url}", flush=True)
            ended.wait()
    except OSError as error:
        print(f"The sandbox cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.sandbox", description="A Paystack look-alike.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--database", default=":memory:", help="file of its ledger")
    parser.add_argument("--secret-key", required=True, help="what it believes, and signs with")
    parser.add_argument("--webhook-url", default="", help="where it sends events; without one it sends none")
    parser.add_argument(
        "--retry-seconds", type=_seconds, default="1,1,2,2", help="the wait before each further attempt at a delivery"
    )
    return parser.parse_args(arguments)


def _seconds(text: str) -> list[float]:
    return [float(part) for part in text.split(",") if part]


if __name__ == "__main__":
    sys.exit(main())

"""The command line of `dev.py`."""

import argparse
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from devtools.embedded.errors import ServersError
from devtools.workflow import checking, managing, progress, proving, services, shots, testing, up
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError

_INTERRUPTED = 130


def run(root: Path, arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return its exit status."""
    checkout = Checkout(root)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return _dispatch(checkout, arguments)
    except (WorkflowError, ServersError) as error:
        progress.report(f"error: {error}")
    except PermissionError as error:
        progress.report(f"error: {error.filename} is not writable for you: use a checkout of your own")
    except KeyboardInterrupt:
        progress.report("interrupted")
        return _INTERRUPTED
    return 1


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _dispatch(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Commands whose arguments belong to another program take them as they are."""
    match list(arguments):
        case ["manage", *rest]:
            return managing.run(checkout, rest)
        case ["test", *rest] if not {"-h", "--help"} & set(rest):
            everything = "--all" in rest
            chosen = [argument for argument in rest if argument != "--all"]
            return testing.run(checkout, chosen, everything=everything)
        case ["prove-all", *rest] if not {"-h", "--help"} & set(rest):
            return proving.run(checkout, rest)
    options = _parser().parse_args(arguments)
    return _commands(checkout, options)[options.command]()


def _commands(checkout: Checkout, options: argparse.Namespace) -> dict[str, Callable[[], int]]:
    return {
        "up": lambda: up.run(checkout, up.Options(check=options.check, reset=options.reset, port=options.port)),
        "check": lambda: checking.run(checkout),
        "shots": lambda: shots.run(checkout, options.folder or checkout.root / shots.DEFAULT_FOLDER),
        "services": lambda: _services(checkout, options.action),
    }


def _services(checkout: Checkout, action: str) -> int:
    {"start": services.start, "stop": services.stop, "env": services.print_urls}[action](checkout)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description="Run, test and check Namaskah payments.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="run everything and take one purchase")
    starting.add_argument("--check", action="store_true", help="stop after the purchase; exit 0 if credited once")
    starting.add_argument("--reset", action="store_true", help="start from nothing")
    starting.add_argument("--port", type=int, default=None, help="port of the web server (default 8000)")
    testing_parser = commands.add_parser("test", help="run the tests; further arguments go to pytest")
    testing_parser.add_argument("--all", action="store_true", help="with browser, fault and slow tests")
    commands.add_parser("prove-all", help="run every proof with its full numbers, for hours; arguments go to pytest")
    commands.add_parser("check", help="format, lint, types, layers, migrations, deployment, OpenAPI")
    picturing = commands.add_parser("shots", help="screenshots of every page of the back office, with Chromium")
    picturing.add_argument("folder", type=Path, nargs="?", help="where they go (default shots/)")
    serving = commands.add_parser("services", help="run Postgres and Valkey alone")
    serving.add_argument("action", choices=("start", "stop", "env"))
    commands.add_parser("manage", help="run a management command")
    return parser

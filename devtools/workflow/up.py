"""`dev.py up`: the whole product on this machine, with one purchase to show that it works."""

import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.embedded import locks
from devtools.workflow import data_servers, dotenv, environments, ports, progress, purchase
from devtools.workflow.announcement import Announcement
from devtools.workflow.checkout import Checkout
from devtools.workflow.children import Children
from devtools.workflow.data_servers import DataServers
from devtools.workflow.errors import WorkflowError
from devtools.workflow.http_client import Client
from devtools.workflow.stage import Stage

RUN_NAME = "up"
SANDBOX_URL_FILE = "sandbox-url"
_DEFAULT_PORT = 8000
_WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    check: bool
    reset: bool
    port: int | None


def run(checkout: Checkout, options: Options) -> int:
    """Bring everything up, take a purchase, and stay until interrupted; with `check`, stop after the purchase."""
    port = _port(options)
    data_servers.install(checkout, "embedded")
    with (
        _servers(checkout, options) as (servers, name),
        run_directory(checkout, name, reset=options.reset) as directory,
    ):
        stage = make_stage(checkout, servers, directory, port, check=options.check)
        demonstration, api_key = stage.prepare()
        with Children(stage.environment, checkout.root, stage.logs) as children:
            stage.start(children)
            bought = _buy(stage, api_key)
            if options.check:
                return _verdict(bought)
            print(_announcement(stage, demonstration, api_key, bought).text(), flush=True)
            _stay(children, servers)
    return 0


def _port(options: Options) -> int:
    if options.check and options.port is None:
        return ports.free_port()
    port = options.port or _DEFAULT_PORT
    ports.check_free(port)
    return port


@contextmanager
def _servers(checkout: Checkout, options: Options) -> Iterator[tuple[DataServers, str]]:
    """Give a check servers of its own, so that it neither sees nor disturbs what is running."""
    if options.check:
        with data_servers.own(checkout, "check", durable=True, reset=options.reset) as (servers, place):
            yield servers, place.state.name
    else:
        with data_servers.shared(checkout, reset=options.reset) as servers:
            yield servers, RUN_NAME


@contextmanager
def run_directory(checkout: Checkout, name: str, *, reset: bool) -> Iterator[Path]:
    """Hold the directory of this run's own files.

    :raises WorkflowError: if another run holds it.
    """
    directory = checkout.local / name
    directory.mkdir(exist_ok=True)
    holder = locks.take_now(checkout.local / f"{name}.lock")
    if holder is None:
        raise WorkflowError("Another `dev.py up` runs in this checkout: stop it first")
    try:
        if reset:
            shutil.rmtree(directory)
            directory.mkdir()
        yield directory
    finally:
        locks.give_back(holder)


def make_stage(checkout: Checkout, servers: DataServers, directory: Path, port: int, *, check: bool) -> Stage:
    """Decide where this run listens and what its processes are told; a check uses nobody's Paystack account."""
    configured = dotenv.configured(checkout.root)
    if check:
        # It must come out the same on every machine.
        configured.pop("PAYSTACK_SECRET_KEY", None)
    base = environments.for_servers(servers.urls, configured)
    environment = environments.for_development(base, configured, checkout.local / "secret-key")
    environment["WEB_BIND"] = f"127.0.0.1:{port}"
    sandbox_port = None
    if environment["PAYSTACK_SECRET_KEY"] == environments.SANDBOX_SECRET_KEY:
        sandbox_port = port + 1 if not check and ports.is_free(port + 1) else ports.free_port()
        environment["PAYSTACK_BASE_URL"] = f"http://127.0.0.1:{sandbox_port}"
        (directory / SANDBOX_URL_FILE).write_text(environment["PAYSTACK_BASE_URL"])
    logs = checkout.logs if directory.name == RUN_NAME else checkout.logs / directory.name
    logs.mkdir(exist_ok=True)
    return Stage(checkout, directory, logs, environment, port, sandbox_port)


def _buy(stage: Stage, api_key: str) -> purchase.Purchase | None:
    if stage.sandbox_url is None:
        progress.report("A real Paystack key is configured: pay by hand, nobody else can")
        return None
    product = Client(stage.web_url, {"Authorization": f"Bearer {api_key}"})
    progress.report(f"Everything runs at {stage.web_url}")
    print("\nOne purchase through HTTP:", flush=True)
    bought = purchase.take(product, Client(stage.sandbox_url, {}), lambda line: print(f"  {line}", flush=True))
    print(f"  {'credited exactly once' if bought.credited_once else 'NOT CREDITED EXACTLY ONCE'}", flush=True)
    return bought


def _verdict(bought: purchase.Purchase | None) -> int:
    return 0 if bought and bought.credited_once else 1


def _announcement(
    stage: Stage, demonstration: Mapping[str, Any], api_key: str, bought: purchase.Purchase | None
) -> Announcement:
    return Announcement(
        web_url=stage.web_url,
        sandbox_url=stage.sandbox_url,
        demonstration=demonstration,
        api_key=api_key,
        example_key=str(uuid.uuid4()),
        logs=str(stage.logs),
        **({"reference": bought.reference} if bought else {}),
    )


def _stay(children: Children, servers: DataServers) -> None:
    """Watch over everything until Ctrl-C or SIGTERM."""
    try:
        while True:
            children.check_alive()
            servers.restart_if_dead()
            time.sleep(_WATCH_SECONDS)
    except KeyboardInterrupt:
        progress.report("Stopping everything")

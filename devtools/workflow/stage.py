"""Bringing the whole product up: database, demonstration, processes."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.workflow import ports, progress, sandbox_books
from devtools.workflow.checkout import Checkout
from devtools.workflow.children import Children
from devtools.workflow.environments import SANDBOX_SECRET_KEY
from devtools.workflow.errors import WorkflowError
from devtools.workflow.http_client import Client

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.1
_OK = 200


@dataclass(frozen=True)
class Stage:
    """Where this run of the product keeps its files and listens."""

    checkout: Checkout
    directory: Path
    logs: Path
    environment: Mapping[str, str]
    web_port: int
    sandbox_port: int | None

    @property
    def web_url(self) -> str:
        """The product."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str | None:
        """The stand-in for Paystack, if one runs."""
        return f"http://127.0.0.1:{self.sandbox_port}" if self.sandbox_port else None

    def manage(self, name: str, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        command: list[str | Path] = [self.checkout.python, "manage.py", *arguments]
        with progress.step(name) as tick:
            answer = progress.run_and_capture(command, tick, environment=self.environment, root=self.checkout.root)
        if answer.returncode != 0:
            raise WorkflowError(f"{name} failed:\n{progress.last_lines(answer.stdout + answer.stderr)}")
        return answer.stdout

    def prepare(self) -> tuple[dict[str, Any], str]:
        """Migrate and seed; return the demonstration and a fresh API key of its customer."""
        self.manage("Migrating the database", "migrate", "--no-input", "--verbosity=0")
        # Of a made-up past the real Paystack knows nothing.
        past = ["--history"] if self.sandbox_port else []
        demonstration = json.loads(self.manage("Seeding the demonstration", "seed_demo", *past, "--json"))
        if self.sandbox_port:
            # Before the sandbox runs, so that whoever asks it about an old payment gets an answer.
            sandbox_books.fill(self._sandbox_database, demonstration["books"])
        customer = demonstration["customer"]["username"]
        printed = self.manage("Making an API key", "create_api_key", customer, "--name", "demo")
        return demonstration, printed.strip().splitlines()[-1]

    def start(self, children: Children) -> None:
        """Start every process and wait until requests are served."""
        python = self.checkout.python
        # In the order in which they are to end: first no new requests, last the gateway.
        children.start("web", [python, "-m", "gunicorn", "namaskah.wsgi", "-c", "deploy/gunicorn.conf.py"])
        children.start(
            "beat", [python, "-m", "celery", "-A", "namaskah", "beat", "-s", self.directory / "beat-schedule"]
        )
        children.start("worker", [python, "-m", "celery", "-A", "namaskah", "worker", "--loglevel", "INFO"])
        if self.sandbox_url:
            children.start("sandbox", self._sandbox_command())
            with progress.step("Starting the sandbox") as tick:
                children.wait_for_line("sandbox", f"sandbox ready {self.sandbox_url}", tick)
        with progress.step("Starting web, worker and beat") as tick:
            self._wait_until_ready(children, tick, self.web_url)

    def start_as_in_production(self, children: Children) -> str:
        """Start the web once more, with a second factor and the pages that a fault shows; return where it listens."""
        port = ports.free_port()
        changed = ["STAFF_SECOND_FACTOR=on", "DEBUG=off", "ALLOW_TEST_KEY=on", f"WEB_BIND=127.0.0.1:{port}"]
        children.start(
            "web-as-in-production",
            ["env", *changed, self.checkout.python, "-m", "gunicorn", "namaskah.wsgi", "-c", "deploy/gunicorn.conf.py"],
        )
        url = f"http://127.0.0.1:{port}"
        with progress.step("Starting the web as in production") as tick:
            self._wait_until_ready(children, tick, url)
        return url

    @property
    def _sandbox_database(self) -> Path:
        return self.directory / "sandbox.sqlite3"

    def _sandbox_command(self) -> list[str | Path]:
        return [
            self.checkout.python,
            "-m",
            "devtools.sandbox",
            f"--port={self.sandbox_port}",
            "--database",
            self._sandbox_database,
            f"--secret-key={SANDBOX_SECRET_KEY}",
            f"--webhook-url={self.web_url}/api/v1/payments/paystack/webhook",
        ]

    def _wait_until_ready(self, children: Children, tick: progress.Ticker, url: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        web = Client(url, {})
        while (answer := web.call("GET", "/health/ready")).status != _OK:
            children.check_alive()
            if time.monotonic() > deadline:
                raise WorkflowError(f"Not ready after {_READY_SECONDS:.0f} s ({answer.body}): see {self.logs}")
            tick()
            time.sleep(_POLL_SECONDS)

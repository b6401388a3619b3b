"""What tests of commands share: a shell, events to work on, and a gateway that can be held at a call."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.sandbox.sandbox import Sandbox
from payments.gateways.paystack import connections
from payments.models import WebhookEvent
from tests.processes import product, shell
from tests.processes.valkey import ValkeyServer
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy

PATIENCE_SECONDS = 30
WHY = ("--reason", "the ledger is back")


@pytest.fixture
def operator(
    transactional_db: None, valkey: ValkeyServer, sandbox: Sandbox, settings: Any, tmp_path: Path
) -> Iterator[shell.Shell]:
    """A shell beside the product's database, Redis and gateway."""
    settings.PAYSTACK_BASE_URL = sandbox.url
    connections.close_connections()
    environment = product.Product(redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path).environment
    with shell.running({**environment, "TERM": "xterm"}) as opened:
        yield opened
    connections.close_connections()


class Gate:
    """Holds the gateway's answer to the first call of `operation` until it is opened."""

    def __init__(self, sandbox: Sandbox, operation: str) -> None:
        self._operation = operation
        self._take: Callable[..., Any] = sandbox.scripts.take
        self._is_reached = threading.Event()
        self._is_open = threading.Event()
        sandbox.scripts.take = self._hold  # type: ignore[method-assign]  # -- pauses its thread, changes no answer

    def wait_until_reached(self) -> None:
        assert self._is_reached.wait(PATIENCE_SECONDS), f"nobody asked for {self._operation}"

    def open(self) -> None:
        self._is_open.set()

    def _hold(self, operation: str, find_reference: Any) -> Any:
        if operation == self._operation:
            self._is_reached.set()
            assert self._is_open.wait(PATIENCE_SECONDS), "nobody opened the gate"
        return self._take(operation, find_reference)


def decline_some(sandbox: Sandbox, count: int) -> list[WebhookEvent]:
    """Return dead letters that each ask the gateway, the oldest first."""
    return [bury(told_events.decline(sandbox, buy())) for _ in range(count)]


def statuses() -> list[str]:
    """Return how the events stand, the oldest first."""
    return list(WebhookEvent.objects.order_by("received_at").values_list("status", flat=True))

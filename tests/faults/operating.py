"""What tests of commands share: every command, a shell, things to work on, and a gateway that can be held at a call."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.utils import timezone

from devtools.sandbox.sandbox import Sandbox
from namaskah.api_keys.models import ApiKey
from payments.gateways.paystack import connections
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from tests.factories.api_keys import make_api_key
from tests.factories.users import StaffFactory, UserFactory
from tests.processes import product, shell
from tests.processes.valkey import ValkeyServer
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy

PATIENCE_SECONDS = 30
# The account that `operator` makes.
BY = ("--by", "ada")
WHY = ("--reason", "the ledger is back", *BY)

# The apps of this repository, and none that is installed beside it.
OURS = {config.name for config in apps.get_app_configs() if "site-packages" not in Path(config.path).parts}


@dataclass(frozen=True, slots=True)
class Scene:
    """Something for every command to work on: payments as they come, and an API key."""

    paid: PaymentLog
    credited: PaymentLog
    under_review: PaymentLog
    key: ApiKey


@dataclass(frozen=True, slots=True)
class Usage:
    """How a command is asked to do its work, at which table that can be held, and whether steps follow after that."""

    arguments: Callable[[Scene], tuple[Any, ...]]
    table: str
    steps_follow: bool = False


def today() -> tuple[str, ...]:
    """Return the arguments that mean the last hour."""
    now = timezone.now()
    return "--since", (now - timedelta(hours=1)).isoformat(), "--until", now.isoformat()


USAGES: Final = {
    "replay_webhooks": Usage(lambda _: ("--all-dead", *WHY), "webhook_events", steps_follow=True),
    "process_webhooks": Usage(lambda _: (), "webhook_events", steps_follow=True),
    "verify_payment": Usage(lambda scene: (scene.paid.reference,), "payment_logs"),
    "explain_payment": Usage(lambda scene: (scene.paid.reference,), "payment_logs"),
    "check_invariants": Usage(lambda _: (), "wallets", steps_follow=True),
    "reconcile_payments": Usage(lambda _: today(), "payment_logs"),
    "refund_payment": Usage(lambda scene: (scene.credited.reference, "--amount-usd", "1.00", *WHY), "refunds"),
    "resolve_review": Usage(
        lambda scene: (scene.under_review.reference, "--credit", "--note", "agreed", *BY), "review_decisions"
    ),
    "credit_user": Usage(
        lambda scene: (
            *(scene.paid.user.username, "5.00", "--reason-code", "goodwill"),
            *("--note", "late", "--ticket", "T-1", *BY),
        ),
        "credit_adjustments",
    ),
    "set_exchange_rate": Usage(lambda _: ("NGN", "1650", *BY), "exchange_rates"),
    "create_api_key": Usage(lambda _: ("shop",), "api_keys"),
    "revoke_api_key": Usage(lambda scene: (scene.key.user.username, scene.key.last_four), "api_keys"),
    "reset_second_factor": Usage(lambda _: ("ada", *WHY), "otp_totp_totpdevice"),
    "purge_idempotency_keys": Usage(lambda _: (), "idempotency_keys"),
    "seed_demo": Usage(lambda _: (), "auth_user", steps_follow=True),
}


def find_our_commands() -> dict[str, BaseCommand]:
    """Return the commands that the product itself brings, by name."""
    loaded = {name: load_command_class(app, name) for name, app in get_commands().items() if app in OURS}
    return dict(sorted(loaded.items()))


@pytest.fixture
def scene(operator: shell.Shell, sandbox: Sandbox) -> Scene:
    """A payment whose event is a dead letter, one that was credited, one under review, and an event that is due."""
    # As a purchase leaves it: the janitor looks at it later.
    credited, under_review, paid, due = (buy(next_check_at=timezone.now() + timedelta(hours=1)) for _ in range(4))
    told_events.pay(sandbox, credited)
    sandbox.pay(under_review.reference, amount_minor=under_review.amount_minor // 2)
    told_events.tell(sandbox, under_review.reference, "charge.success")
    webhooks.drain_inbox()
    bury(told_events.pay(sandbox, paid))
    told_events.pay(sandbox, due)
    return Scene(paid, credited, under_review, key=make_api_key(UserFactory())[0])


@pytest.fixture
def operator(
    transactional_db: None, valkey: ValkeyServer, sandbox: Sandbox, settings: Any, tmp_path: Path
) -> Iterator[shell.Shell]:
    """A shell beside the product's database, Redis and gateway, and Ada, who may do everything."""
    StaffFactory(username="ada")
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

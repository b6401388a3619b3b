"""Our migrations run forwards and backwards, one by one and all together, with rows in every table."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

OURS = [
    app.label
    for app in apps.get_app_configs()
    if app.name.split(".")[0] in {"namaskah", "billing", "payments"} and (Path(app.path) / "migrations").is_dir()
]
MAINTENANCE_DATABASE = "postgres"

MIGRATE = """
import json, sys, django
django.setup()
from django.core.management import call_command
for target in json.loads(sys.argv[1]):
    call_command("migrate", *target, verbosity=0)
"""
# One purchase taken through a real credit and a real refund, and a row in every other table.
PLANT = """
import django
django.setup()
from datetime import timedelta
from uuid import uuid4
from django.contrib.auth.models import User
from django.utils import timezone
from namaskah.api_keys.services import issue_api_key
from namaskah.idempotency.models import IdempotencyKey
from namaskah.observability.models import Heartbeat
from tests.factories.billing import ExchangeRateFactory
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.people import CreditAdjustmentFactory, ReviewDecisionFactory
from tests.factories.refunds import DisputeFactory, ReceivableFactory, ReconciliationBreakFactory, place, request
user, _ = User.objects.get_or_create(username="ada", email="ada@example.com")
payment = PaymentFactory(user=user, at="completed")
PaymentFactory(user=user, at="failed")
request(payment, "10.00", by=user)
place(user, 1)
DisputeFactory(payment=payment)
ReceivableFactory(payment_log=payment)
ReconciliationBreakFactory(payment=payment)
CreditAdjustmentFactory(user=user, requested_by=user)
ReviewDecisionFactory(payment=payment, decided_by=user)
GatewayCallFactory(payment=payment)
WebhookAttemptFactory(event=WebhookEventFactory(payment=payment))
ExchangeRateFactory()
now = timezone.now()
issue_api_key(user=user, name="test", expires_in=None, by=None, now=now)
for point in ("started", "entry_posted"):
    IdempotencyKey.objects.create(
        user=user, key=uuid4(), recovery_point=point, created_at=now, expires_at=now + timedelta(hours=72)
    )
Heartbeat.objects.get_or_create(name="worker", defaults={"beat_at": now})
"""
TABLES = {
    "payment_logs": 2,
    "sms_transactions": 2,
    "wallets": 1,
    "holds": 2,
    "receivables": 1,
    "refunds": 1,
    "disputes": 1,
    "reconciliation_breaks": 1,
    "credit_adjustments": 1,
    "review_decisions": 1,
    "exchange_rates": 1,
    "gateway_calls": 1,
    "webhook_events": 1,
    "webhook_attempts": 1,
    "api_keys": 1,
    "idempotency_keys": 2,
    "heartbeats": 1,
}
# These came after the first migrations, and go with their own.
BORN_LATER = {
    "holds",
    "receivables",
    "refunds",
    "disputes",
    "reconciliation_breaks",
    "credit_adjustments",
    "review_decisions",
}
CATALOGUE = """
SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2
"""


class ScratchDatabase:
    """A database of its own; everything that Django does there runs in another process."""

    def __init__(self, name: str) -> None:
        self.name = name

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(connect(self.name)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def count(self) -> dict[str, int]:
        there = {name for kind, name in self.query(CATALOGUE) if kind == "relation"}
        # The names are those of TABLES.
        return {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES if table in there}  # noqa: S608 -- see above

    def migrate(self, *targets: tuple[str, ...]) -> None:
        self.run(MIGRATE, json.dumps(targets))

    def run(self, code: str, *arguments: str) -> None:
        environment = {**os.environ, "DATABASE_URL": url_of(self.name)}
        command = [sys.executable, "-c", code, *arguments]
        ended = subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr


@pytest.fixture
def scratch() -> Iterator[ScratchDatabase]:
    name = f"migrations_{uuid4().hex}"
    administer(f"CREATE DATABASE {name}")
    try:
        yield ScratchDatabase(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


def test_migrations_run_to_zero_and_again_with_rows_in_the_tables(scratch):
    scratch.migrate(*((app,) for app in list_other_apps()))
    before = scratch.query(CATALOGUE)
    scratch.migrate(())
    scratch.run(PLANT)
    newest = scratch.query(CATALOGUE)
    assert scratch.count() == TABLES

    scratch.migrate(*((app, "zero") for app in OURS))

    assert scratch.query(CATALOGUE) == before
    scratch.migrate(())
    scratch.run(PLANT)
    assert scratch.query(CATALOGUE) == newest
    assert scratch.count() == TABLES


@pytest.mark.slow
def test_rules_can_be_taken_away_and_brought_back_without_losing_a_row_of_the_first_tables(scratch):
    scratch.migrate(())
    scratch.run(PLANT)
    newest = scratch.query(CATALOGUE)

    scratch.migrate(("payments", "0001"), ("billing", "0001"))

    assert [kind for kind, _ in scratch.query(CATALOGUE) if kind in {"function", "trigger"}] == []
    assert scratch.count() == {table: rows for table, rows in TABLES.items() if table not in BORN_LATER}
    scratch.migrate(())
    assert scratch.query(CATALOGUE) == newest
    assert scratch.count() == TABLES | dict.fromkeys(BORN_LATER, 0)
    # What was held went with the holds.
    assert scratch.query("SELECT DISTINCT held FROM wallets") == [(0,)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_migration_steps_back_and_forward_by_itself(scratch):
    steps = list_our_migrations()
    backwards = [(app, find_previous(app, name)) for app, name in reversed(steps)]
    scratch.migrate(())
    scratch.run(PLANT)
    newest = scratch.query(CATALOGUE)
    walk: list[tuple[str, ...]] = []

    for back, forward in zip(backwards, reversed(steps), strict=True):
        walk += [back, forward, ()]
    scratch.migrate(*walk, *backwards, *steps)

    assert scratch.query(CATALOGUE) == newest
    scratch.run(PLANT)
    assert scratch.count() == TABLES


def list_our_migrations() -> list[tuple[str, str]]:
    """Return the names of our migrations in the order in which they run."""
    graph = MigrationLoader(None).graph
    plan = [step for leaf in graph.leaf_nodes() for step in graph.forwards_plan(leaf)]
    return [step for step in dict.fromkeys(plan) if step[0] in OURS]


def list_other_apps() -> list[str]:
    return sorted({app for app, _ in MigrationLoader(None).graph.nodes} - set(OURS))


def find_previous(app: str, name: str) -> str:
    earlier = [other for label, other in list_our_migrations() if label == app and other < name]
    return max(earlier, default="zero")


def connect(database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(url_of(database))


def url_of(database: str) -> str:
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{database}").geturl()


def administer(statement: str) -> None:
    # CREATE and DROP DATABASE refuse to run inside a transaction.
    with closing(connect(MAINTENANCE_DATABASE)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)

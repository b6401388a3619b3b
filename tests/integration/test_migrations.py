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
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from billing.lifecycles import AdjustmentState, HoldState
from billing.migrations._undecided import UNDECIDED
from payments.lifecycles import DisputeState, RefundState
from tests.integration.planted_rows import BORN_LATER, PLANT, PLANT_UNDECIDED, SETTING, TABLES

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
# As `migrate` does, but without the question that it asks before the first step.
MIGRATE_UNASKED = """
import sys, django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
MigrationExecutor(connection).migrate([tuple(sys.argv[1:])])
"""
# Told for every statement that reads a whole table to validate a constraint: how long it may take, and which.
MIGRATE_WATCHED = """
import sys, django
django.setup()
from django.core.management import call_command
from django.db import connection
def tell(execute, sql, params, many, context):
    if "VALIDATE CONSTRAINT" in str(sql):
        with connection.connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            print(cursor.fetchone()[0], sql)
    return execute(sql, params, many, context)
with connection.execute_wrapper(tell):
    call_command("migrate", *sys.argv[1:], verbosity=0)
"""
CATALOGUE = """
SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2
"""
WITHIN_AMOUNT = "payments_paymentlog_refunds_within_amount"
# The name is our own.
VALIDATED = f"SELECT convalidated FROM pg_constraint WHERE conname = '{WITHIN_AMOUNT}'"  # noqa: S608 -- see above
REFUNDED_MORE = "SELECT count(*) FROM payment_logs WHERE amount_refunded_minor > amount_minor"


class ScratchDatabase:
    """A database of its own; everything that Django does there runs in another process."""

    def __init__(self, name: str) -> None:
        self.name = name

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(connect(self.name)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        with closing(connect(self.name)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def count(self) -> dict[str, int]:
        there = {name for kind, name in self.query(CATALOGUE) if kind == "relation"}
        # The names are those of TABLES.
        return {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES if table in there}  # noqa: S608 -- see above

    def migrate(self, *targets: tuple[str, ...]) -> None:
        self.run(MIGRATE, json.dumps(targets))

    def run(self, code: str, *arguments: str) -> str:
        ended = self.try_to_run(code, *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def refuse_to_migrate(self, *target: str) -> str:
        return self.fail(MIGRATE, json.dumps([target]))

    def refuse_unasked(self, *target: str) -> str:
        return self.fail(MIGRATE_UNASKED, *target)

    def fail(self, code: str, *arguments: str) -> str:
        ended = self.try_to_run(code, *arguments)
        assert ended.returncode != 0
        return ended.stderr

    def try_to_run(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DATABASE_URL": url_of(self.name)}
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def scratch() -> Iterator[ScratchDatabase]:
    name = f"migrations_{uuid4().hex}"
    administer(f"CREATE DATABASE {name}")
    try:
        yield ScratchDatabase(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
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
    assert scratch.query(REFUNDED_MORE) == [(1,)]

    scratch.migrate(("payments", "0001"), ("billing", "0001"), ("audit", "0001"))

    assert [kind for kind, _ in scratch.query(CATALOGUE) if kind in {"function", "trigger"}] == []
    assert scratch.count() == {table: rows for table, rows in TABLES.items() if table not in BORN_LATER}
    assert scratch.query(REFUNDED_MORE) == [(0,)]
    scratch.migrate(())
    assert scratch.query(CATALOGUE) == newest
    assert scratch.count() == TABLES | dict.fromkeys(BORN_LATER, 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_migration_steps_back_and_forward_by_itself(scratch):
    steps = list_our_migrations()
    scratch.migrate(())
    scratch.run(PLANT)
    newest = scratch.query(CATALOGUE)
    walk: list[tuple[str, ...]] = []

    # From the newest down, so that a step takes no other with it.
    for app, name in reversed(steps):
        back = (app, find_previous(app, name))
        walk += [back, (app, name), back]
    scratch.migrate(*walk, ())

    assert scratch.query(CATALOGUE) == newest
    scratch.run(PLANT)
    assert scratch.count() == TABLES


@pytest.mark.slow
def test_way_back_is_refused_before_anything_goes_while_something_is_undecided(scratch):
    scratch.migrate(())
    scratch.run(PLANT)
    scratch.run(PLANT_UNDECIDED)
    before = scratch.query(CATALOGUE), scratch.count()

    for target, lost in (
        (("payments", "0002"), "2 in all, such as dispute "),
        (("billing", "0004"), "1 in all, such as adjustment adj-"),
        (("billing", "0002"), "4 in all, such as adjustment adj-"),
    ):
        refusal = scratch.refuse_to_migrate(*target)

        assert f"going back would lose what is not decided: {lost}" in refusal
        assert (scratch.query(CATALOGUE), scratch.count()) == before


@pytest.mark.slow
def test_way_back_is_refused_again_by_the_migration_that_would_take_the_rows(scratch):
    scratch.migrate((), ("payments", "0003"), ("billing", "0005"))
    scratch.run(
        SETTING
        + """
payment = PaymentFactory(user=user)
DisputeFactory(payment=payment)
RefundFactory(payment=payment)
CreditAdjustmentFactory(user=user, requested_by=grace)
"""
    )
    assert "not decided: 2 in all, such as dispute" in scratch.refuse_unasked("payments", "0002_rules")
    scratch.execute("DELETE FROM disputes")
    assert "not decided: 1 in all, such as refund" in scratch.refuse_unasked("payments", "0002_rules")
    scratch.execute("DELETE FROM refunds")
    assert "not decided: 1 in all, such as adjustment" in scratch.refuse_unasked("billing", "0004_hold_rules")
    scratch.execute("DELETE FROM credit_adjustments")
    scratch.migrate(("payments", "0002"), ("billing", "0003"))
    scratch.run(SETTING + "HoldFactory(wallet=post(user).wallet, amount=1)")

    assert "not decided: 1 in all, such as hold" in scratch.refuse_unasked("billing", "0002_rules")


@pytest.mark.slow
def test_way_forward_neither_lets_go_what_is_held_nor_overlooks_a_hold(scratch):
    scratch.migrate((), ("payments", "0002"), ("billing", "0003"))
    scratch.run(SETTING + "HoldFactory(wallet=post(user).wallet, amount=1)")
    assert "holds 0.0000, its open holds are 1.0000" in scratch.refuse_to_migrate("billing", "0004")
    scratch.execute("UPDATE wallets SET held = 2")
    assert "holds 2.0000, its open holds are 1.0000" in scratch.refuse_to_migrate("billing", "0004")
    scratch.execute("UPDATE wallets SET held = 1")

    scratch.migrate(())

    assert scratch.query("SELECT held FROM wallets") == [(1,)]


@pytest.mark.parametrize(
    ("table", "states", "ends"),
    [
        ("holds", HoldState, {HoldState.TAKEN, HoldState.RELEASED}),
        ("refunds", RefundState, {RefundState.PROCESSED, RefundState.FAILED, RefundState.REJECTED}),
        ("disputes", DisputeState, {DisputeState.WON, DisputeState.LOST}),
        ("credit_adjustments", AdjustmentState, {AdjustmentState.POSTED, AdjustmentState.REJECTED}),
    ],
)
def test_every_state_but_an_end_is_undecided(table, states, ends, db):
    rows = ", ".join(f"('{state}', 1, '{state}')" for state in states)

    with connection.cursor() as cursor:
        cursor.execute(f"WITH {table} (reference, gateway_dispute_id, state) AS (VALUES {rows}) {UNDECIDED[table]}")
        found = [state for *_, state in cursor.fetchall()]

    assert set(found) == set(states) - ends


@pytest.mark.slow
def test_payments_are_validated_apart_and_without_a_time_out(scratch):
    scratch.migrate(("auth",), ("payments", "0006"))
    assert scratch.query(VALIDATED) == [(False,)]

    told = scratch.run(MIGRATE_WATCHED, "payments", "0007")

    assert told == f'0 ALTER TABLE "payment_logs" VALIDATE CONSTRAINT "{WITHIN_AMOUNT}"\n'
    assert scratch.query(VALIDATED) == [(True,)]


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

"""Sweeps: who is looked at, and that what is found is said. That they find it: test_invariants.py."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from payments import tasks
from payments.lifecycles import PaymentState
from payments.services import invariant_sweeps
from tests.factories.billing import WalletFactory, post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import place
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import execute

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(minutes=21)


def changed(now=None):
    return set(invariant_sweeps.find_changes(now=now or timezone.now()).users)


def test_find_changes_names_whoever_has_a_new_entry_a_new_hold_or_a_changed_payment():
    entry, hold, payment = UserFactory(), UserFactory(), UserFactory()
    WalletFactory(user=UserFactory())
    post(entry)
    post(hold)
    place(hold, 1)
    PaymentFactory(user=payment, at=PaymentState.PROCESSING)

    assert changed() == {entry.pk, hold.pk, payment.pk}
    assert changed(timezone.now() + LATER) == set()


def test_find_changes_names_whoever_has_an_old_payment_that_changed():
    payment = PaymentFactory(created_at=timezone.now() - timedelta(days=3))
    execute("UPDATE payment_logs SET lock_version = lock_version + 1, updated_at = now() + interval '21 minutes'")

    assert changed(timezone.now() + LATER) == {payment.user_id}


def test_sweep_changes_is_read_only_and_finds_nothing_in_empty_books():
    assert invariant_sweeps.sweep_changes(now=timezone.now()) == []
    assert invariant_sweeps.sweep_everything() == []


@pytest.mark.parametrize("task", [tasks.sweep_changes, tasks.sweep_everything])
def test_task_says_which_law_is_broken_and_where_to_read_on(task):
    wallet = WalletFactory()
    post(wallet.user, amount=Decimal(3))

    with capture_logs() as lines:
        task()

    (said,) = [line for line in lines if line["event"] == "invariant_violated"]
    assert (said["invariant"], said["log_level"], said["count"]) == ("adjustment_has_its_request", "error", 1)
    assert said["runbook"] == "Wallet and ledger differ"
    assert "posted=3.0000" in said["rows"][0]
    assert [line["violated"] for line in lines if line["event"] == "invariants_swept"] == [1]


def test_sweep_tells_which_law_was_not_checked(monkeypatch, tmp_path):
    (tmp_path / "a_slow_one.sql").write_text(
        "-- law: No product is slow.\n-- owner: billing\n-- runbook: None\n-- scope: everything\n"
        "SET LOCAL statement_timeout = '50ms';"
        "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b"
    )
    monkeypatch.setattr(invariant_sweeps.invariants, "_DIRECTORY", tmp_path)

    with capture_logs() as lines:
        invariant_sweeps.sweep_changes(now=timezone.now())

    said, swept = (line for line in lines if line["event"].startswith("invariant"))
    assert (said["event"], said["log_level"], said["invariant"]) == ("invariant_not_checked", "error", "a_slow_one")
    assert said["reason"] == "canceling statement due to statement timeout"
    assert (swept["violated"], swept["not_checked"]) == (0, 1)


def test_sweep_changes_looks_at_an_index_and_never_at_a_whole_table():
    WalletFactory()
    part = invariant_sweeps.find_changes(now=timezone.now())
    plans = {}
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; SET LOCAL enable_seqscan = off")
        for law in invariant_sweeps.invariants.load_invariants():
            if law.scope == "users":
                cursor.execute(f"EXPLAIN {invariant_sweeps.narrow(law, part).query}")
                plans[law.name] = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("ROLLBACK")

    assert {name for name, plan in plans.items() if "Seq Scan on" in plan} == {"amounts_are_sound"}
    # The few exchange rates belong to nobody.
    assert "Seq Scan on exchange_rates" in plans["amounts_are_sound"]
    assert plans["amounts_are_sound"].count("Seq Scan on") == 1


def test_sweeps_are_in_the_schedule(settings):
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert {tasks.sweep_changes.name, tasks.sweep_everything.name} <= scheduled

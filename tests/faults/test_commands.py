"""Commands for operators as real processes: what they say and how they end when something is wrong around them."""

import json
import re
import socket
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from payments.models import WebhookAttempt, WebhookEvent
from tests.faults.operating import WHY, Gate, decline_some, statuses
from tests.processes import product, shell
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.faults

ALL = (
    "replay_webhooks",
    "process_webhooks",
    "verify_payment",
    "explain_payment",
    "check_invariants",
    "reconcile_payments",
)
YESTERDAY = ("--since", "2026-11-01", "--until", "2026-11-02")

# What is asked for, how it ends, and what is said last.
_WRONG = [
    (("verify_payment",), 2, "the following arguments are required: reference"),
    (("verify_payment", "nmk-unknown"), 1, "There is no payment 'nmk-unknown'; references look like nmk-….$"),
    (("verify_payment", b"nmk-\xff"), 1, r"There is no payment 'nmk-\\udcff'; references look like nmk-….$"),
    (("explain_payment",), 2, "the following arguments are required: reference"),
    (("explain_payment", "nmk-unknown"), 1, "There is no payment 'nmk-unknown'; references look like nmk-….$"),
    (("replay_webhooks",), 2, "Name events, or narrow them down: --all-dead, --status, --reference, …$"),
    (("replay_webhooks", "--all-dead"), 2, "Say why with --reason; it stands beside every attempt.$"),
    (("replay_webhooks", uuid4(), *WHY), 1, "There is no such event among those asked for: [0-9a-f-]{36}.$"),
    (("replay_webhooks", "nmk-1", *WHY), 2, "argument ID: invalid UUID value: 'nmk-1'$"),
    (("replay_webhooks", "--since", "noon", *WHY), 2, "'noon' is no date or time, such as 2026-11-20"),
    (("replay_webhooks", "--reference", b"\xff", *WHY), 2, "argument --reference: must be printable text on one"),
    (
        ("replay_webhooks", "--all-dead", "--plan", "0" * 16),
        1,
        "The world has changed: the plan is [0-9a-f]{16} now",
    ),
    (("reconcile_payments",), 2, "the following arguments are required: --since, --until$"),
    (("reconcile_payments", *YESTERDAY[2:], "--since", "2026-11-03"), 2, "--since must be before --until.$"),
    (("reconcile_payments", *YESTERDAY[:2], "--until", "2100-01-01"), 2, "--until is in the future: what has not"),
    (("process_webhooks", "now"), 2, "unrecognized arguments: now$"),
    (("check_invariants", "--fix"), 2, "unrecognized arguments: --fix$"),
]


@pytest.fixture
def payment(operator, sandbox):
    """A payment that was paid; the event that tells it is a dead letter."""
    bought = buy()
    bury(told_events.pay(sandbox, bought))
    return bought


def ordinary_arguments(payment):
    """Return how each command is asked to do something about a payment."""
    now = timezone.now()
    today = ("--since", (now - timedelta(hours=1)).isoformat(), "--until", now.isoformat())
    return {
        "replay_webhooks": ("--all-dead", *WHY),
        "process_webhooks": (),
        "verify_payment": (payment.reference,),
        "explain_payment": (payment.reference,),
        "check_invariants": (),
        "reconcile_payments": today,
    }


@pytest.mark.timeout(300)
def test_command_that_is_asked_for_wrongly_says_so(operator):
    for arguments, status, complaint in _WRONG:
        ended = operator.run(*arguments)

        assert (ended.status, ended.stdout, ended.has_traceback) == (status, "", False), arguments
        assert re.search(complaint, ended.complaint), (arguments, ended.stderr)


def test_command_without_its_database_says_so_in_one_line(operator, payment):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        operator.environment["DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{bound.getsockname()[1]}/nothing"
        ended = {name: operator.run(name, *arguments) for name, arguments in ordinary_arguments(payment).items()}

    for name, end in ended.items():
        assert (end.status, end.stdout) == (1, ""), name
        [line] = end.stderr.splitlines()
        assert re.match("CommandError: The database cannot be reached or did not answer: connection", line), name


@pytest.mark.parametrize("name", ["replay_webhooks", "process_webhooks", "verify_payment"])
def test_command_that_loses_its_database_in_the_middle_says_so(operator, sandbox, name):
    [event] = decline_some(sandbox, 1)
    if name == "process_webhooks":
        WebhookEvent.objects.update(status="received", attempts=0, next_attempt_at=timezone.now())
    gate = Gate(sandbox, "verify")
    arguments = ordinary_arguments(event)[name]
    process = operator.start(name, *arguments)
    gate.wait_until_reached()

    _end_other_connections()
    gate.open()
    ended = operator.end(process)

    assert (ended.status, ended.stdout) == (1, "")
    assert ended.complaint.startswith("CommandError: The database cannot be reached or did not answer: ")
    assert WebhookAttempt.objects.count() == 0


@pytest.mark.parametrize("is_buffered", [False, True])
def test_command_whose_reader_has_left_ends_without_a_word(operator, payment, is_buffered):
    operator.environment["PYTHONUNBUFFERED"] = "" if is_buffered else "1"
    for name, arguments in ordinary_arguments(payment).items():
        ended = operator.run_into_closed_pipe(name, *arguments)

        assert (ended.status, ended.has_traceback) == (1, False), (name, ended.stderr)
        assert not [line for line in ended.stderr.splitlines() if not line.startswith("{")], name


def test_command_into_head_shows_one_line_and_stops_between_two_events(operator, sandbox):
    events = decline_some(sandbox, 12)
    script = 'set -o pipefail; "$0" manage.py replay_webhooks --all-dead --reason repaired | head -1'

    ended = subprocess.run(
        ["/bin/bash", "-c", script, sys.executable],
        cwd=product.ROOT,
        env=operator.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=shell.PATIENCE_SECONDS,
    )

    assert (ended.returncode, ended.stdout) == (1, f"{events[0].pk}  processed\n")
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr
    done = statuses().count("processed")
    assert 1 <= done < len(events)
    assert statuses() == ["processed"] * done + ["dead"] * (len(events) - done)
    assert WebhookAttempt.objects.count() == done


def test_json_is_alone_on_standard_output_and_progress_on_the_terminal(operator, payment, sandbox):
    expected = {name: (1 if name == "reconcile_payments" else 0, name) for name in ALL}
    shows_progress = {"replay_webhooks", "process_webhooks", "check_invariants", "reconcile_payments"}
    told_events.pay(sandbox, buy())
    arguments = ordinary_arguments(payment)
    for name in ("reconcile_payments", *(name for name in ALL if name != "reconcile_payments")):
        ended = operator.run_at_terminal(name, *arguments[name], "--json")

        assert (ended.status, name) == expected[name]
        assert [type(json.loads(line)) for line in ended.stdout.splitlines()] == [dict], name
        assert ("\r\x1b[K" in ended.stderr) == (name in shows_progress), name
        # What stands on the terminal last is nothing.
        assert name not in shows_progress or ended.stderr.endswith("\r\x1b[K"), name
        assert "\x1b[31" not in ended.stderr, name


def test_progress_is_shown_to_no_file(operator, payment):
    for name, arguments in ordinary_arguments(payment).items():
        ended = operator.run(name, *arguments)

        assert "\r" not in ended.stderr + ended.stdout, name


def test_dry_run_and_plan_across_processes(operator, payment):
    dry = operator.run("replay_webhooks", "--all-dead", "--dry-run", "--json")
    told = json.loads(dry.stdout)
    assert (dry.status, told["total"], balance(payment.user)) == (0, "25.00", 0)

    applied = operator.run("replay_webhooks", "--all-dead", "--plan", told["plan"])
    again = operator.run("replay_webhooks", "--reference", payment.reference, "--plan", told["plan"])

    assert (applied.status, balance(payment.user)) == (0, 25)
    assert (again.status, again.stdout, balance(payment.user)) == (1, "", 25)
    assert "The world has changed" in again.complaint


def _end_other_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

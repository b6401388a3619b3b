"""Commands for operators as real processes: what they say and how they end when something is wrong around them."""

import json
import re
import socket
import subprocess
import sys
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from namaskah.commands import OperatorCommand
from payments.models import WebhookAttempt, WebhookEvent
from tests.factories.snapshots import take_snapshot
from tests.faults.operating import BY, USAGES, WHY, Gate, decline_some, find_our_commands, statuses
from tests.integration import actors
from tests.processes import product, shell
from tests.unit.payments.services.purchases import balance

pytestmark = pytest.mark.faults

YESTERDAY = ("--since", "2026-11-01", "--until", "2026-11-02")

_SHOW_PROGRESS = ("replay_webhooks", "process_webhooks", "check_invariants", "reconcile_payments")
# What is asked for, how it ends, and what is said last.
_WRONG = [
    (("verify_payment",), 2, "the following arguments are required: reference"),
    (("verify_payment", "nmk-unknown"), 1, "There is no payment 'nmk-unknown'; references look like nmk-….$"),
    (("verify_payment", b"nmk-\xff"), 1, r"There is no payment 'nmk-\\udcff'; references look like nmk-….$"),
    (("explain_payment",), 2, "the following arguments are required: reference"),
    (("explain_payment", "nmk-unknown"), 1, "There is no payment 'nmk-unknown'; references look like nmk-….$"),
    (("replay_webhooks",), 2, "Name events, or narrow them down: --all-dead, --status, --reference, …$"),
    (("replay_webhooks", "--all-dead"), 2, "Say why with --reason; it stands beside every attempt.$"),
    (("replay_webhooks", "--all-dead", "--reason", "?"), 2, "Name yourself with --by; it stands beside what is done.$"),
    (("replay_webhooks", uuid4(), *WHY), 1, "There is no such event among those asked for: [0-9a-f-]{36}.$"),
    (("replay_webhooks", "nmk-1", *WHY), 2, "argument ID: invalid UUID value: 'nmk-1'$"),
    (("replay_webhooks", "--since", "noon", *WHY), 2, "'noon' is no date or time, such as 2026-11-20"),
    (("replay_webhooks", "--reference", b"\xff", *WHY), 2, "argument --reference: must be printable text on one"),
    (
        ("replay_webhooks", "--all-dead", "--plan", "0" * 16, *BY),
        1,
        "The world has changed: the plan is [0-9a-f]{16} now",
    ),
    (("reconcile_payments",), 2, "the following arguments are required: --since, --until$"),
    (("reconcile_payments", *YESTERDAY[2:], "--since", "2026-11-03"), 2, "--since must be before --until.$"),
    (("reconcile_payments", *YESTERDAY[:2], "--until", "2100-01-01"), 2, "--until is in the future: what has not"),
    (("refund_payment", "nmk-1", "--reason", "?", "--by", b"a\xff"), 2, "argument --by: must be printable text"),
    (("credit_user", b"\xff", "5", *BY), 2, "argument target: must be printable text"),
    (("create_api_key", b"\xff"), 2, "argument username: must be printable text"),
    (("process_webhooks", "now"), 2, "unrecognized arguments: now$"),
    (("check_invariants", "--fix"), 2, "unrecognized arguments: --fix$"),
]


def test_every_command_of_ours_is_one_for_operators_and_is_used_here():
    commands = find_our_commands()

    assert [name for name, command in commands.items() if not isinstance(command, OperatorCommand)] == []
    assert set(commands) == set(USAGES)


@pytest.mark.timeout(300)
def test_command_that_is_asked_for_wrongly_says_so(operator):
    for arguments, status, complaint in _WRONG:
        ended = operator.run(*arguments)

        assert (ended.status, ended.stdout, ended.has_traceback) == (status, "", False), arguments
        assert re.search(complaint, ended.complaint), (arguments, ended.stderr)


def test_command_without_its_database_says_so_in_one_line(operator, scene):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        operator.environment["DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{bound.getsockname()[1]}/nothing"
        ended = {name: operator.run(name, *usage.arguments(scene)) for name, usage in USAGES.items()}

    for name, end in ended.items():
        assert (end.status, end.stdout) == (1, ""), name
        [line] = end.stderr.splitlines()
        assert re.match("CommandError: The database cannot be reached or did not answer: connection", line), name


@pytest.mark.timeout(300)
def test_command_that_loses_its_database_before_it_writes_says_so_and_leaves_nothing(operator, scene):
    before = take_snapshot(without={"gateway_calls"})
    for name, usage in USAGES.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {usage.table} IN ACCESS EXCLUSIVE MODE")
            process = operator.start(name, *usage.arguments(scene))
            actors.wait_until_blocked()
            _end_other_connections()
        ended = operator.end(process)

        assert (ended.status, ended.stdout, ended.has_traceback) == (1, "", False), (name, ended.stderr)
        assert ended.complaint.startswith("CommandError: The database cannot be reached or did not answer: "), name

    assert take_snapshot(without={"gateway_calls"}) == before


@pytest.mark.parametrize("name", ["replay_webhooks", "process_webhooks", "verify_payment"])
def test_command_that_loses_its_database_in_the_middle_says_so(operator, sandbox, name):
    [event] = decline_some(sandbox, 1)
    if name == "process_webhooks":
        WebhookEvent.objects.update(status="received", attempts=0, next_attempt_at=timezone.now())
    gate = Gate(sandbox, "verify")
    arguments = (event.reference,) if name == "verify_payment" else USAGES[name].arguments(None)
    process = operator.start(name, *arguments)
    gate.wait_until_reached()

    _end_other_connections()
    gate.open()
    ended = operator.end(process)

    assert (ended.status, ended.stdout) == (1, "")
    assert ended.complaint.startswith("CommandError: The database cannot be reached or did not answer: ")
    assert WebhookAttempt.objects.count() == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_buffered", [False, True])
def test_command_whose_reader_has_left_ends_without_a_word(operator, scene, is_buffered):
    operator.environment["PYTHONUNBUFFERED"] = "" if is_buffered else "1"
    # Python's own buffer is the command's alone; without it those that print line by line meet the end in their work.
    for name, usage in ((name, usage) for name, usage in USAGES.items() if is_buffered or name in _SHOW_PROGRESS):
        ended = operator.run_into_closed_pipe(name, *usage.arguments(scene))

        assert (ended.status, ended.has_traceback) == (1, False), (name, ended.stderr)
        # What is made is told beside the key, which nobody could read.
        allowed = ("{", "Key ") if name == "create_api_key" else "{"
        assert not [line for line in ended.stderr.splitlines() if not line.startswith(allowed)], name
    assert not User.objects.filter(username="shop").exists()


def test_command_into_head_shows_one_line_and_stops_between_two_events(operator, sandbox):
    events = decline_some(sandbox, 12)
    script = 'set -o pipefail; "$0" manage.py replay_webhooks --all-dead --reason repaired --by ada | head -1'

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


@pytest.mark.timeout(300)
def test_json_is_alone_on_standard_output_and_progress_on_the_terminal(operator, scene):
    # It prints the key there, alone.
    names = set(USAGES) - {"create_api_key"}
    for name in ("reconcile_payments", *sorted(names - {"reconcile_payments"})):
        ended = operator.run_at_terminal(name, *USAGES[name].arguments(scene), "--json")

        assert (ended.status, name) == (int(name == "reconcile_payments"), name), ended.stderr
        assert [type(json.loads(line)) for line in ended.stdout.splitlines()] == [dict], name
        assert ("\r\x1b[K" in ended.stderr) == (name in _SHOW_PROGRESS), name
        # What stands on the terminal last is nothing.
        assert name not in _SHOW_PROGRESS or ended.stderr.endswith("\r\x1b[K"), name
        assert "\x1b[31" not in ended.stderr, name


@pytest.mark.timeout(300)
def test_progress_is_shown_to_no_file(operator, scene):
    for name in _SHOW_PROGRESS:
        ended = operator.run(name, *USAGES[name].arguments(scene))

        assert "\r" not in ended.stderr + ended.stdout, name


def test_dry_run_and_plan_across_processes(operator, scene):
    payment = scene.paid
    dry = operator.run("replay_webhooks", "--all-dead", "--dry-run", "--json")
    told = json.loads(dry.stdout)
    assert (dry.status, told["total"], balance(payment.user)) == (0, "25.00", 0)

    applied = operator.run("replay_webhooks", "--all-dead", "--plan", told["plan"], *BY)
    again = operator.run("replay_webhooks", "--reference", payment.reference, "--plan", told["plan"], *BY)

    assert (applied.status, balance(payment.user)) == (0, 25)
    assert (again.status, again.stdout, balance(payment.user)) == (1, "", 25)
    assert "The world has changed" in again.complaint


def _end_other_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

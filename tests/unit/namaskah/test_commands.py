import io
import os
import signal
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection, connections, transaction

from namaskah import commands
from namaskah.commands import OperatorCommand, read_moment, read_text
from namaskah.errors import NotFoundError
from tests.processes.product import database_url

ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b"
CANCELLED_FOR_TIME = "canceling statement due to statement timeout"
CANCELLED_FOR_A_LOCK = "canceling statement due to lock timeout"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def call(work, *, is_exclusive=False, stderr=None, **options):
    """Run a command that does `work`; return what it printed on standard output and on standard error."""

    class Command(OperatorCommand):
        requires_system_checks = ()

    Command.is_exclusive = is_exclusive
    Command.work = lambda self, **_: work(self) or 0
    stdout, stderr = io.StringIO(), stderr or io.StringIO()
    call_command(Command(), stdout=stdout, stderr=stderr, **options)
    return stdout.getvalue(), stderr.getvalue()


def fail_with(error):
    def work(_command):
        raise error

    return work


def test_command_that_found_something_exits_with_its_status():
    with pytest.raises(SystemExit) as exit_:
        call(lambda _command: 1)

    assert exit_.value.code == 1


def test_command_that_is_done_just_returns():
    assert call(lambda _command: 0) == ("", "")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFoundError("There is no such thing."), "There is no such thing."),
        (
            OperationalError("connection refused\n\tIs the server running?"),
            "The database cannot be reached or did not answer: connection refused",
        ),
        (OperationalError(), "The database cannot be reached or did not answer: no reason given"),
    ],
)
def test_command_that_cannot_says_why_in_one_line(error, told):
    with pytest.raises(CommandError) as raised:
        call(fail_with(error))

    assert (str(raised.value), raised.value.returncode) == (told, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            f"SET LOCAL statement_timeout = '20ms'; {ENDLESS}",
            f"The database gave up a statement that took too long or was cancelled: {CANCELLED_FOR_TIME}",
        ),
        (
            "SET LOCAL lock_timeout = '20ms'; LOCK TABLE auth_user",
            f"Another process holds what this needs, and did not let go in time; run it again: {CANCELLED_FOR_A_LOCK}",
        ),
    ],
    ids=["statement", "lock"],
)
def test_command_whose_statement_was_given_up_does_not_call_the_database_away(statement, told):
    def work(_command):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    locking = connections.create_connection("default")
    try:
        with locking.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE auth_user")
        with pytest.raises(CommandError) as raised:
            call(work)
    finally:
        locking.close()

    assert (str(raised.value), raised.value.returncode) == (told, 1)


def test_command_with_a_bug_shows_it():
    with pytest.raises(ZeroDivisionError):
        call(lambda _command: 1 / 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_stops_between_two_steps_when_asked(number):
    steps = []

    def work(command):
        for step in (1, 2, 3):
            command.check_stop()
            if step == 2:
                os.kill(os.getpid(), number)
            steps.append(step)

    with pytest.raises(CommandError, match=r"^Stopped\. What was done so far is done") as raised:
        call(work)

    assert (steps, raised.value.returncode) == ([1, 2], 1)


def test_command_asked_to_stop_in_its_last_step_is_done():
    assert call(lambda _command: os.kill(os.getpid(), signal.SIGTERM)) == ("", "")


def test_command_gives_the_signals_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with pytest.raises(ZeroDivisionError):
        call(lambda _command: 1 / 0)

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_say_and_print_json_go_to_standard_output():
    value = {"id": UUID(int=7), "amount": Decimal("25.0000"), "at": datetime(2026, 11, 21, 10, tzinfo=UTC)}

    def work(command):
        command.say("one line")
        command.print_json(value)

    stdout, stderr = call(work)

    assert stdout.splitlines() == [
        "one line",
        '{"id": "00000000-0000-0000-0000-000000000007", "amount": "25.0000", "at": "2026-11-21 10:00:00+00:00"}',
    ]
    assert stderr == ""


def test_progress_is_shown_at_a_terminal_at_most_twice_a_second_and_gives_way_to_lines(monkeypatch):
    clock = iter([10.0, 10.4, 10.5])
    monkeypatch.setattr(commands.time, "monotonic", lambda: next(clock))

    def work(command):
        command.show_progress("1 of 3")
        command.show_progress("2 of 3")
        command.show_progress("3 of 3")
        command.say("done")

    stdout, stderr = call(work, stderr=Terminal())

    assert stdout == "done\n"
    assert stderr == "\r\033[K1 of 3" + "\r\033[K3 of 3" + "\r\033[K" + "\r\033[K"


def test_progress_is_gone_before_an_error_is_told():
    terminal = Terminal()

    def work(command):
        command.show_progress("1 of 3")
        raise NotFoundError("gone")

    with pytest.raises(CommandError):
        call(work, stderr=terminal)

    assert terminal.getvalue() == "\r\033[K1 of 3" + "\r\033[K"


def test_progress_is_shown_to_nobody_where_there_is_no_terminal():
    assert call(lambda command: command.show_progress("1 of 3")) == ("", "")


@pytest.mark.django_db(transaction=True)
def test_exclusive_command_refuses_while_another_one_runs():
    second = []

    def work(_command):
        with pytest.raises(CommandError) as raised:
            call(lambda _command: second.append("ran"), is_exclusive=True)
        second.append((str(raised.value), raised.value.returncode))

    call(work, is_exclusive=True)

    assert second == [("Another test_commands is running: wait for it, or stop it.", 1)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", [lambda _command: 0, fail_with(ZeroDivisionError()), fail_with(NotFoundError(""))])
def test_exclusive_command_lets_the_next_one_run_however_it_ended(ending):
    ran = []

    try:
        call(ending, is_exclusive=True)
    except (ZeroDivisionError, CommandError):
        ran.append("failed")
    call(lambda _command: ran.append("next"), is_exclusive=True)

    assert ran[-1] == "next"


@pytest.mark.django_db(transaction=True)
def test_exclusive_command_holds_its_lock_past_the_end_of_its_work_connection():
    """A pooler may hand the session on, and Django closes connections that broke."""
    refused = []

    def work(_command):
        connection.close()
        with pytest.raises(CommandError, match="Another"):
            call(lambda _command: None, is_exclusive=True)
        refused.append(True)

    call(work, is_exclusive=True)

    assert refused == [True]


@pytest.mark.django_db(transaction=True)
def test_exclusive_command_locks_past_the_pooler(settings, monkeypatch):
    """Through a pooler the next one would share the session, and with it the lock."""
    settings.DIRECT_DATABASE_URL = database_url()
    settings.DATABASE_URL = "postgresql://namaskah@127.0.0.1:1/pooled"
    ran = []
    # Nobody listens where the pooler would be.
    for name, value in {"HOST": "127.0.0.1", "PORT": "1", "NAME": "pooled"}.items():
        monkeypatch.setitem(connection.settings_dict, name, value)

    call(lambda _command: ran.append("ran"), is_exclusive=True)

    assert ran == ["ran"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:30.5", datetime(2026, 11, 20, 10, 0, 30, 500_000, tzinfo=UTC)),
        ("2026-11-20T10:00+01:00", datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_read_moment_without_an_offset_is_utc(text, moment):
    assert read_moment(text) == moment
    assert read_moment(text).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-11-20T25:00", "10:00", "1763632800", "\udcff"])
def test_read_moment_refuses_what_is_none(text):
    with pytest.raises(ArgumentTypeError, match="no date or time, such as 2026-11-20"):
        read_moment(text)


def test_read_text_takes_what_people_write():
    assert read_text("Fixed by Adé: “ledger” 修理") == "Fixed by Adé: “ledger” 修理"


@pytest.mark.parametrize("text", ["\udcff", "two\nlines", "\x1b[31m", "nul\x00"])
def test_read_text_refuses_what_cannot_be_stored_or_shown(text):
    with pytest.raises(ArgumentTypeError, match="printable"):
        read_text(text)

"""What every command for operators does alike.

Exit status: 0 done, 1 found something or failed, 2 usage. `--json` prints JSON alone on standard output; people get
sentences there and progress on standard error. SIGTERM and Ctrl-C stop between two steps, never within one. A command
that must not run twice at once holds an advisory lock of the database.
"""

import contextlib
import json
import os
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType
from typing import Any, ClassVar, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from psycopg2 import errorcodes

from namaskah.direct_connections import open_direct_connection
from namaskah.errors import DomainError
from namaskah.outages import is_database_away

_PROGRESS_EVERY_SECONDS: Final = 0.5


class Stopped(BaseException):
    """The command was asked to stop, and has come to a point where it may."""


class OperatorCommand(BaseCommand):
    """A command for operators: a subclass says its arguments in `add_arguments` and does the work in `work`."""

    is_exclusive: ClassVar[bool] = False
    _is_stopping = False
    _shown_at = 0.0

    def work(self, **options: Any) -> int:
        """Do the work and return the exit status."""
        raise NotImplementedError

    def add_json(self, parser: ArgumentParser) -> None:
        """Take `--json`."""
        parser.add_argument("--json", action="store_true", help="print JSON on standard output, nothing else")

    def add_dry_run(self, parser: ArgumentParser, help_text: str) -> None:
        """Take `--dry-run`."""
        parser.add_argument("--dry-run", action="store_true", help=help_text)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the work under the rules that all commands share."""
        try:
            with self._stoppable(), self._alone():
                try:
                    status = self.work(**options)
                finally:
                    self._clear_progress()
            self.stdout.flush()
        except DomainError as error:
            raise CommandError(error.detail) from error
        except (DatabaseError, InterfaceError) as error:
            if not is_database_away(error):
                raise
            raise CommandError(_tell_database_error(error)) from error
        except Stopped as error:
            raise CommandError("Stopped. What was done so far is done; run it again to go on.") from error
        except BrokenPipeError:
            # Whoever read our output has seen enough, such as `head`; Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if status:
            sys.exit(status)

    def check_stop(self) -> None:
        """Stop here if the command was asked to; to be called between two steps.

        :raises Stopped: if it was.
        """
        if self._is_stopping:
            raise Stopped

    def show_progress(self, text: str) -> None:
        """Tell a person at a terminal how far the work is, twice a second at most."""
        now = time.monotonic()
        if self.stderr.isatty() and now - self._shown_at >= _PROGRESS_EVERY_SECONDS:
            self._shown_at = now
            self._write_progress(text)

    def say(self, text: str) -> None:
        """Print a line for people, in the place of the progress that stands there."""
        self._clear_progress()
        self.stdout.write(text)

    def print_json(self, value: Any) -> None:
        """Print one JSON value on a line of its own; decimals and times as text."""
        self.say(json.dumps(value, default=str))

    def _clear_progress(self) -> None:
        if self._shown_at:
            self._write_progress("")

    def _write_progress(self, text: str) -> None:
        # In no colour: on standard error Django would make it as red as an error.
        self.stderr.write(f"\r\033[K{text}", style_func=str, ending="")
        self.stderr.flush()

    @contextlib.contextmanager
    def _stoppable(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._is_stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if not self.is_exclusive:
            yield
            return
        name = type(self).__module__.rpartition(".")[2]
        connection = open_direct_connection()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"command:{name}"])
                if not cursor.fetchone()[0]:
                    raise CommandError(f"Another {name} is running: wait for it, or stop it.")
            yield
        finally:
            # The lock ends with its session.
            connection.close()


def _tell_database_error(error: Exception) -> str:
    """Return what ails the database, in one line: it is away, or it gave up one statement."""
    reason = next(iter(str(error).splitlines()), "no reason given")
    sqlstate = getattr(error.__cause__, "pgcode", None)
    if sqlstate == errorcodes.QUERY_CANCELED:
        return f"The database gave up a statement that took too long or was cancelled: {reason}"
    if sqlstate == errorcodes.LOCK_NOT_AVAILABLE:
        return f"Another process holds what this needs, and did not let go in time; run it again: {reason}"
    return f"The database cannot be reached or did not answer: {reason}"


def read_moment(text: str) -> datetime:
    """Read a date or a moment of the command line; without an offset it is UTC.

    :raises ArgumentTypeError: if it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date or time, such as 2026-11-20 or 2026-11-20T10:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_text(text: str) -> str:
    """Read a reason or a name of the command line: what Postgres can store and a log can show.

    :raises ArgumentTypeError: if it holds bytes that are no text, or control characters.
    """
    if not text.isprintable():
        raise ArgumentTypeError("must be printable text on one line")
    return text

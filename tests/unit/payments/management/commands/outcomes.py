"""What a command leaves behind: its exit status, its output, and what it complains of."""

import io
import json
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError


def run(*arguments: Any) -> tuple[int, list[str]]:
    """Run a command to its end; return its exit status and the lines of its standard output."""
    stdout = io.StringIO()
    try:
        call_command(*(str(argument) for argument in arguments), stdout=stdout, stderr=io.StringIO())
    except SystemExit as exit_:
        return int(exit_.code or 0), stdout.getvalue().splitlines()
    return 0, stdout.getvalue().splitlines()


def run_json(*arguments: Any) -> tuple[int, list[Any]]:
    """Run a command with `--json`; return its exit status and the value of each line."""
    status, lines = run(*arguments, "--json")
    return status, [json.loads(line) for line in lines]


def complain(*arguments: Any) -> tuple[int, str]:
    """Run a command that refuses; return its exit status and what it says."""
    try:
        status, lines = run(*arguments)
    except CommandError as error:
        return error.returncode, str(error)
    raise AssertionError(f"it did not refuse, but ended with {status}: {lines}")

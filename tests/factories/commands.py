"""Running management commands in tests."""

import io
from typing import Any

from django.core.management import call_command


def run(*arguments: Any) -> tuple[list[str], list[str]]:
    """Run a command; return the lines of its standard output and of its standard error."""
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command(*(str(argument) for argument in arguments), stdout=stdout, stderr=stderr)
    return stdout.getvalue().splitlines(), stderr.getvalue().splitlines()

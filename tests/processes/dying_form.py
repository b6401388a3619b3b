"""Sends one form of the back office in a process that kills itself with SIGKILL at the point that a test names.

`claimed` is after the form's token was taken, `written` after what it asks for and its audit entry were written and
before their COMMIT was sent, `committed` after that COMMIT was answered.
"""

import json
import os
import signal
import sys
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 -- needs the set-up
from django.db import connection  # noqa: E402 -- needs the set-up
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402 -- needs the set-up
from django.test import Client  # noqa: E402 -- needs the set-up

from namaskah.audit import form_tokens  # noqa: E402 -- needs the set-up


class Death:
    """Comes at its point, once."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._is_written = False

    def plant(self) -> None:
        claim_token, commit = form_tokens.claim_token, BaseDatabaseWrapper.commit

        def claim(*arguments: Any, **options: Any) -> Any:
            token = claim_token(*arguments, **options)
            self._come("claimed")
            return token

        def commit_or_die(wrapper: BaseDatabaseWrapper) -> None:
            if self._is_written:
                self._come("written")
            commit(wrapper)
            if self._is_written:
                self._come("committed")

        form_tokens.claim_token = claim
        BaseDatabaseWrapper.commit = commit_or_die

    def watch(self, execute: Any, sql: str, *rest: Any) -> Any:
        """Note that the audit entry was written: what the form asks for is, with it."""
        answer = execute(sql, *rest)
        self._is_written |= 'INSERT INTO "audit_log"' in sql
        return answer

    def _come(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    order = json.loads(sys.argv[1])
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(pk=order["user"]))
    death = Death(order["point"])
    death.plant()
    with connection.execute_wrapper(death.watch):
        client.post(order["url"], order["fields"])


if __name__ == "__main__":
    main()

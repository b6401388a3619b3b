"""A Celery worker that is started again whenever it dies, as a service manager does.

Run as a process of its own; SIGTERM ends it and its worker. What takes long at a start is done once, and each worker
is forked from it, in a group of its own.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.app.utils import find_app

from devtools.embedded.parent_death import ended_with_parent

_ENDS = {signal.SIGTERM}


class _Reviver:
    """Runs one worker at a time."""

    def __init__(self, app: Celery, arguments: list[str]) -> None:
        self._app = app
        self._end_with_parent = ended_with_parent(signal.SIGKILL)
        self._arguments = arguments
        self._worker = 0

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        while True:
            # Nobody may end this between the start of a worker and our knowing its number.
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
            self._worker = os.fork()
            if self._worker == 0:
                self._work()
            with suppress(ProcessLookupError):
                os.setpgid(self._worker, self._worker)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
            os.waitpid(self._worker, 0)

    def _work(self) -> None:
        self._end_with_parent()
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        self._app.worker_main(["worker", *self._arguments])
        os._exit(1)

    def _end(self, *_: Any) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._worker, signal.SIGKILL)
        os._exit(0)


if __name__ == "__main__":
    _Reviver(find_app(sys.argv[1]), sys.argv[2:]).run()

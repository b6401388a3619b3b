"""What runs outside requests, in a worker that can be told where to die and is then started again."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.processes.product import Product

_APP = "tests.processes.dying_worker"
# What a worker asks its fellows at its start takes longer than the rest of it, and nobody is there to answer.
_WORKER = ("--loglevel", "INFO", "--without-mingle", "--without-gossip")


class Background:
    """One worker with `children`, and beat."""

    def __init__(self, product: Product, *, schedule: Path, children: int) -> None:
        self._product = product
        self._schedule = schedule
        self._children = children
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        worker = ("tests.processes.revived_worker", _APP, "--concurrency", str(self._children), *_WORKER)
        self._processes.append(self._product.start(*worker))
        self._processes.append(self._product.start("celery", "-A", _APP, "beat", "-s", str(self._schedule)))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=20)

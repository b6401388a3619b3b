"""Running one program at the terminal as if it had been typed there."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from devtools.embedded.parent_death import ended_with_parent

_SIGNAL_EXIT_BASE = 128


def run(command: Sequence[str | Path], environment: Mapping[str, str], root: Path) -> int:
    """Run `command` with our terminal and return its exit status as a shell would.

    Ctrl-C reaches it from the terminal; SIGTERM is passed on, so that it ends in order and we after it.
    """
    started: list[subprocess.Popen[bytes]] = []
    received: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        received.append(number)
        for process in started:
            process.send_signal(number)

    # Before the program begins, so that no moment is left in which we would end without it. SIGINT after it, because
    # a program that is started while it is ignored would ignore it too.
    terminated = signal.signal(signal.SIGTERM, pass_on)
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=root,
        preexec_fn=ended_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- dev.py has one thread
    )
    started.append(process)
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for number in received:
            process.send_signal(number)
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, interrupted)
        signal.signal(signal.SIGTERM, terminated)
    return status if status >= 0 else _SIGNAL_EXIT_BASE - status

"""Children that end when their parent dies, even when it is killed with SIGKILL."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # prctl(2)


def ended_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before exec, so that the kernel sends it `signal_number` when we die.

    It must run after the child has changed its user, because that clears the setting (prctl(2));
    `subprocess` calls `preexec_fn` after the change. Elsewhere than on Linux it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return _nothing
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def before_exec() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        # The parent may have died between fork and prctl.
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _nothing() -> None:
    pass

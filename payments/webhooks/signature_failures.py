"""Bad signatures, counted per address in this process's memory: a flood of them must cost nothing else."""

from typing import Final

from namaskah.api import rate_limits
from namaskah.api.local_windows import LocalWindows
from namaskah.api.rate_limits import Usage

_NAME: Final = "signatures"
failures: Final = LocalWindows(window_seconds=rate_limits.WINDOW_SECONDS, max_keys=10_000)


def count(address: str) -> Usage:
    """Count one more of `address`; the first that is one too many is the last to leave a line in the log."""
    usage = rate_limits.count_locally(failures, _NAME, address)
    rate_limits.note_if_reached(usage, f"address:{address}")
    return usage

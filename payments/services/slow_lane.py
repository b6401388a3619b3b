"""One lane for all work that waits for the gateway outside requests, so that a gateway that hangs holds up one worker.

Events that carry their own evidence are credited by the others meanwhile. As with every Redis lock, nothing is decided
from holding it: with Redis away all go at once, and each is harmless twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from payments.services.payment_locks import hold_payment_locks

_NAME: Final = "slow-lane"


@contextmanager
def enter_slow_lane() -> Iterator[bool]:
    """Enter the lane for the block and yield True, or False if somebody else is in it."""
    with hold_payment_locks([_NAME], wait_seconds=0) as held:
        yield bool(held)

"""Scripts: which calls go wrong, how, and how often."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from devtools.sandbox.faults import answers, silences  # noqa: F401 -- reading them makes their faults known
from devtools.sandbox.faults.deliveries import DELIVERY_FAULTS
from devtools.sandbox.faults.registry import FAULTS, check_fault
from devtools.sandbox.refusals import Refusal

OPERATIONS: Final = (
    "initialize",
    "verify",
    "list",
    "fetch",
    "refund",
    "list_refunds",
    "fetch_refund",
    "list_disputes",
    "fetch_dispute",
    "fetch_transaction_dispute",
    "resolve_dispute",
)
ANY: Final = "any"
# Not a call of the merchant's, but the sending of an event to them.
WEBHOOK: Final = "webhook"


@dataclass
class Script:
    """A fault for the next `times` calls that fit, or for all of them; no `reference` fits every call."""

    id: int
    operation: str
    fault: str
    reference: str | None
    times: int | None
    options: dict[str, Any] = field(default_factory=dict)

    def fits(self, operation: str, find_reference: Callable[[], str | None]) -> bool:
        """Say whether the call is one of those that go wrong."""
        is_meant = self.operation == operation or (self.operation == ANY and operation != WEBHOOK)
        return is_meant and (self.reference is None or self.reference == find_reference())


class ScriptBook:
    """The scripts in force. Of several that fit a call, the oldest is played."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._scripts: list[Script] = []

    def add(
        self, *, operation: str, fault: str, reference: str | None = None, times: int | None = 1, **options: Any
    ) -> dict[str, Any]:
        """Put a script in force.

        :raises Refusal: if operation, fault or options are unknown.
        """
        if operation not in {*OPERATIONS, ANY, WEBHOOK}:
            raise Refusal(f"Unknown operation {operation!r}; there are {', '.join([*OPERATIONS, ANY, WEBHOOK])}")
        if times is not None and times < 1:
            raise Refusal("times must be at least 1, or null for every call")
        check_fault(fault, options, among=DELIVERY_FAULTS if operation == WEBHOOK else FAULTS)
        with self._lock:
            script = Script(next(self._numbers), operation, fault, reference, times, options)
            self._scripts.append(script)
        return asdict(script)

    def take(self, operation: str, find_reference: Callable[[], str | None]) -> Script | None:
        """Return the script to be played for a call, which uses it up once.

        `find_reference` is asked only if there is a script that depends on it.
        """
        with self._lock:
            script = next((script for script in self._scripts if script.fits(operation, find_reference)), None)
            if script is not None and script.times is not None:
                script.times -= 1
                if not script.times:
                    self._scripts.remove(script)
            return script

    def list(self) -> list[dict[str, Any]]:
        """Return the scripts in force, oldest first."""
        with self._lock:
            return [asdict(script) for script in self._scripts]

    def clear(self) -> None:
        """End all of them."""
        with self._lock:
            self._scripts.clear()

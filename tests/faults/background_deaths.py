"""Workers that are killed in the middle of what they do outside requests.

tests/processes/dying_worker.py passes the points.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from payments.models import PaymentLog
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Death:
    """Where the first worker dies, and those after it; `leaves` is what the first one must have left behind."""

    points: tuple[str, ...]
    leaves: object
    ends: object = None

    @property
    def name(self) -> str:
        return ", then ".join(self.points)


@dataclass(eq=False, slots=True)
class Case:
    """One payment that a death is planted for, and what its first worker left behind."""

    fault: Death
    user: User
    payment: PaymentLog
    left: Any = None

    @property
    def reference(self) -> str:
        return self.payment.reference


class Deaths:
    """Plants deaths in a task, of the `child` that runs it or of the `whole` worker; `read` looks what one left."""

    def __init__(self, planted: Path, *, task: str, who: str, read: Callable[[Case], Any]) -> None:
        self._planted = planted
        self._task = task
        self._who = who
        self._read = read
        self._to_die: dict[Case, list[str]] = {}

    def plant(self, cases: Iterable[Case]) -> None:
        """Plant the first death of each case; each next one follows when it was died."""
        for case in cases:
            self._to_die[case] = list(case.fault.points)
            self._plant(case)

    def wait(self, *, seconds: float) -> None:
        """Wait until every death has been died, and look at once what the first of each case left behind."""
        wait_until(self._look, seconds=seconds)

    def wait_for_first(self, case: Case, *, seconds: float) -> None:
        """Wait until the case has met its first death."""
        wait_until(lambda: self._look() or case.left is not None, seconds=seconds)

    def _look(self) -> bool:
        for case in [case for case in self._to_die if not self._file(case).exists()]:
            if case.left is None:
                case.left = self._read(case)
            self._to_die[case].pop(0)
            if self._to_die[case]:
                self._plant(case)
            else:
                del self._to_die[case]
        return not self._to_die

    def _plant(self, case: Case) -> None:
        # Under another name first, so that nobody reads half a file.
        unfinished = self._planted / "unfinished"
        unfinished.write_text(self._who)
        unfinished.rename(self._file(case))

    def _file(self, case: Case) -> Path:
        return self._planted / f"{case.reference}.{self._task}.{self._to_die[case][0]}"

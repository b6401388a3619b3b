"""Processes that are killed in the middle of a request."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.faults.trials import Trial, do_together, look, note_left
from tests.processes.persistence import Answer, Request, send_until_answered


class Killer:
    """Plants deaths where tests/processes/dying_wsgi.py looks for them."""

    def __init__(self, planted: Path) -> None:
        self.planted = planted

    def run(
        self,
        trials: Iterable[Trial],
        *,
        count_rows: Callable[[Trial], int],
        after_first: Callable[[Trial], object] = lambda _: None,
    ) -> list[Trial]:
        """Kill, look what is left, and send the same request at once until it is answered; many at a time.

        `after_first` is what happens when the first process of each is dead.
        """

        def run_one(trial: Trial) -> Trial:
            first, *others = trial.fault.points
            trial.answers += self._kill(trial.request, first)
            look(after_first, trial)
            for point in others:
                trial.answers += self._kill(trial.request, point)
            note_left(trial, count_rows)
            trial.answers += send_until_answered(trial.request)
            return trial

        return do_together(run_one, trials)

    def _kill(self, request: Request, point: str) -> list[Answer]:
        """Send the request until a process has died of it at `point`."""
        death = self.planted / f"{request.headers['Idempotency-Key']}.{point}"
        death.touch()
        return send_until_answered(request, is_enough=lambda: not death.exists())

"""Whether a worker lives: without one no event is processed, no refund is sent and no replay goes on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from namaskah.observability import heartbeats
from namaskah.observability.health import WORKER_SILENCE

_UNITS: Final = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class WorkerSilence:
    """For how long nothing was heard of a worker; None if none ever ran."""

    lasts: timedelta | None

    @property
    def label(self) -> str:
        """It in a few words."""
        return "no worker ever ran" if self.lasts is None else f"no worker for {_tell_duration(self.lasts)}"

    @property
    def sentence(self) -> str:
        """What it means for what waits for a worker, and who helps."""
        heard = "ever ran here" if self.lasts is None else f"was heard for {_tell_duration(self.lasts)}"
        return f"No worker {heard}, so nothing goes on by itself: tell an operator, who starts one."


def find_worker_silence() -> WorkerSilence | None:
    """Return the silence, if it has lasted for too long; None while a worker lives."""
    lasts = heartbeats.find_silence(heartbeats.WORKER)
    return WorkerSilence(lasts) if lasts is None or lasts >= WORKER_SILENCE else None


def tell_worker_silence() -> str:
    """Return the sentence about it; nothing while a worker lives."""
    silence = find_worker_silence()
    return silence.sentence if silence else ""


def _tell_duration(duration: timedelta) -> str:
    for name, unit in _UNITS:
        if duration >= unit:
            count = duration // unit
            return f"{count} {name}{'s' * (count != 1)}"
    return f"{duration.seconds} seconds"

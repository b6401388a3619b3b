"""One thing that happened to a payment, as it is told to people."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from namaskah.money import SUBUNITS
from payments.lifecycles import TransitionSource

_SOURCES: Final = {
    TransitionSource.API: "through the API",
    TransitionSource.WEBHOOK: "through an event",
    TransitionSource.WORKER: "by the worker",
    TransitionSource.JANITOR: "by the janitor",
    TransitionSource.ADMIN: "in the back office",
    TransitionSource.COMMAND: "by a command",
}


class Tone(StrEnum):
    """What a moment means for whoever reads the story."""

    QUIET = "quiet"
    GOOD = "good"
    BUSY = "busy"
    CARE = "care"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened: when, what (`what` is one word for its kind), through whom, and why."""

    at: datetime
    what: str
    title: str
    detail: str = ""
    who: str = ""
    why: str = ""
    tone: Tone = Tone.QUIET

    @property
    def told(self) -> str:
        """All of it in one line."""
        detail = f": {self.detail}" if self.detail else ""
        who = f" ({self.who})" if self.who else ""
        return f"{self.title}{detail}{who}" + (f", because: {self.why}" if self.why else "")


def tell_step(step: dict[str, Any], *, what: str, title: str, tone: Tone, subject: str = "", why: str = "") -> Moment:
    """Tell one entry of an audit trail: from where to where, by which reason, through which part and by whom."""
    came = f"{step['from']} to {step['to']}" if step["from"] else step["to"]
    return Moment(
        at=datetime.fromisoformat(step["at"]),
        what=what,
        title=title,
        detail=f"{subject}{say(came)}, {say(step['reason'])}",
        who=tell_who(step),
        why=why,
        tone=tone,
    )


def tell_who(step: dict[str, Any]) -> str:
    """Return by whom and through which part of the product an entry of an audit trail came."""
    source = _SOURCES.get(step["source"], step["source"])
    return f"{step['by']}, {source}" if step["by"] else source


def say(code: str) -> str:
    """Return a name of ours, as `checkout_opened`, as people write it."""
    return code.replace("_", " ").replace("-", " ")


def tell_money(amount_minor: int, currency: str) -> str:
    """Return subunits as people read them, thousands apart: `41,250.00 NGN`."""
    return f"{Decimal(amount_minor) / SUBUNITS:,.2f} {currency}"


def tell_time(moment: datetime) -> str:
    """Return a time as the rest of a page has it, by the clock of REPORT_TIME_ZONE: `2026-11-21 11:00 WAT`."""
    return f"{moment.astimezone(ZoneInfo(settings.REPORT_TIME_ZONE)):%Y-%m-%d %H:%M %Z}"

"""How differences between the books are written for people."""

import re
from typing import Final

from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import BAD, EMPTY, GOOD, QUIET, Label, show_minor, show_reference, show_time
from payments.lifecycles import BreakKind, BreakState
from payments.models import ReconciliationBreak

KINDS: Final = {
    BreakKind.MISSING_HERE: "Paystack has it, we do not",
    BreakKind.MISSING_THERE: "We have it, Paystack does not",
    BreakKind.AMOUNT: "The amounts differ",
    BreakKind.CURRENCY: "The currencies differ",
    BreakKind.STATE: "The states differ",
    BreakKind.DUPLICATE: "The same thing twice",
}
STATES: Final = {
    BreakState.OPEN: Label("Open", BAD, "It is still there."),
    BreakState.REPAIRED: Label("Repaired", GOOD, "A run put it right by what Paystack says."),
    BreakState.GONE: Label("Gone", GOOD, "A later run no longer found it."),
    BreakState.DISMISSED: Label("Dismissed", QUIET, "Somebody looked at it and let it be."),
}
_MONEY: Final = re.compile(r"\b([0-9]+) ([A-Z]{3})\b", re.ASCII)


def list_sides(found: ReconciliationBreak) -> list[Fact]:
    """Return what both sides say, since when, and who works on it."""
    return [
        Fact("What", KINDS[BreakKind(found.kind)]),
        Fact("About", show_reference(found.subject)),
        Fact("We say", show_side(found.ours, found)),
        Fact("Paystack says", show_side(found.theirs, found)),
        Fact("First seen", show_time(found.first_seen_at)),
        Fact("Who works on it", show_assignee(found)),
    ]


def show_assignee(found: ReconciliationBreak) -> str:
    """Return who works on it."""
    return found.assigned_to.get_username() if found.assigned_to else EMPTY


def show_side(said: str, found: ReconciliationBreak) -> str:
    """Return what one side says, money as people read it."""
    if said.isascii() and said.isdecimal() and found.payment:
        return show_minor(int(said), found.payment.currency)
    return _MONEY.sub(lambda money: show_minor(int(money[1]), money[2]), said.replace("_", " "))

"""What a replay would change, in words for the staff."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from billing.lifecycles import TransactionType
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import BAD, Label, link, show_credits, show_reference
from namaskah.money import SUBUNITS
from payments.models import ReplayRun
from payments.services import replay_plans
from payments.services.replay_plans import PlannedReplay

_NAMES: Final = {
    "event_status": "Event",
    "state": "Payment",
    "review_reason": "Under review for",
    "refunded_minor": "Sent back, in the payment's currency",
    "balance": "Balance",
    "held": "Held",
    "refunds": "Refunds",
    "disputes": "Disputes",
    "receivables": "Owed by the customer",
}


def list_facts(planned: PlannedReplay) -> list[Fact]:
    """Return what one replay would change, each with what is there before."""
    facts = [Fact(name, _show_move(move)) for name, move in _list_moves(planned)]
    facts += [Fact("Ledger entry", _show_entry(*entry)) for entry in planned.entries]
    if planned.error:
        facts.append(Fact("It would fail", planned.error))
    elif planned.changes_nothing:
        facts.append(Fact("Effect", "None: money, states and debts stay as they are."))
    return facts


def list_totals(plan: Sequence[PlannedReplay]) -> list[Fact]:
    """Return what several replays would come to."""
    moves = Counter(
        (name, str(move["from"]), str(move["to"]))
        for planned in plan
        for name, move in _list_moves(planned)
        if name in {_NAMES["state"], _NAMES["event_status"]}
    )
    facts = [Fact("Credits in all", show_credits(sum((planned.total for planned in plan), Decimal(0))))]
    for (name, before, after), count in sorted(moves.items()):
        facts.append(Fact(name, format_html("{} → {}, {} times", _word(before), _word(after), count)))
    facts.append(Fact("Would change nothing", sum(planned.changes_nothing and not planned.error for planned in plan)))
    facts.append(Fact("Would fail", _show_failures(plan)))
    return facts


def describe_run(run: ReplayRun) -> str:
    """Return whose replay it is, and of how many events."""
    return f"Replay of {run.total:,} event{'s' * (run.total != 1)} by {run.by.get_username()}"


def _show_failures(plan: Sequence[PlannedReplay]) -> int | Label:
    count = sum(bool(planned.error) for planned in plan)
    if not count:
        return 0
    return Label(f"{count} of {len(plan)}: what fails becomes a dead letter, unless it had its effect before", BAD)


def list_lines(plan: Sequence[PlannedReplay]) -> SafeString:
    """Return a line for each of several replays, with a link to its event."""
    return format_html(
        "<ol>{}</ol>", format_html_join("", "<li>{}: {}</li>", ((_link(planned), _tell(planned)) for planned in plan))
    )


def _link(planned: PlannedReplay) -> SafeString:
    url = reverse("admin:payments_webhookevent_change", args=[planned.event_id])
    return link(show_reference(planned.reference or planned.event_id), url)


def _tell(planned: PlannedReplay) -> SafeString:
    told = [format_html("{} {}", name, _show_move(move)) for name, move in _list_moves(planned)]
    told += [_show_entry(*entry) for entry in planned.entries]
    if planned.error:
        told.append(format_html("fails: {}", planned.error))
    elif planned.changes_nothing:
        told = [format_html("{}", "changes nothing")]
    return format_html_join("; ", "{}", ((each,) for each in told))


def _list_moves(planned: PlannedReplay) -> list[tuple[str, dict[str, Any]]]:
    changes = replay_plans.as_dictionary(planned)["changes"]
    if "refunded_minor" in changes:
        changes["refunded_minor"] = {
            end: f"{Decimal(amount) / SUBUNITS:,.2f}" for end, amount in changes["refunded_minor"].items()
        }
    return [(_NAMES[name], move) for name, move in changes.items()]


def _show_move(move: dict[str, Any]) -> SafeString:
    return format_html("{} → {}", _word(move["from"]), _word(move["to"]))


def _show_entry(kind: str, amount: str) -> SafeString:
    return format_html("{} {}", TransactionType(kind).label.lower(), show_credits(Decimal(amount)))


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number} {_word(state)}" for number, state in value.items()) or "none"
    return str(value).replace("_", " ") or "none"

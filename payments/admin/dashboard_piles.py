"""What waits for a person: first what whoever looks can do, the most urgent first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.timesince import timesince

from billing.services import adjustments
from namaskah.back_office.columns import BAD, CARE, QUIET
from payments.selectors.backlogs import Pile
from payments.selectors.dashboard_piles import Waiting, measure_waiting
from payments.services import refunds, reviews, worker_signs
from payments.services.worker_signs import WorkerSilence

_SOON: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it is, and the list behind it."""

    name: str
    value: str
    more: Sequence[str]
    url: str
    tone: str = QUIET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of pile: who sees it, who can do something about it, and where its rows are."""

    name: str
    sees: str
    acts: str
    listed_at: str
    tone: str


# In the order of urgency: what costs money by waiting, then what keeps a customer waiting, then the rest.
_DISPUTES: Final = _Kind(
    name="Open disputes",
    sees="payments.view_dispute",
    acts=reviews.RESOLVE_PERMISSION,
    listed_at="payments_dispute_changelist?state__in=open,review",
    tone=CARE,
)
_DEAD: Final = _Kind(
    name="Dead letters",
    sees="payments.view_webhookevent",
    acts="payments.replay_event",
    listed_at="payments_webhookevent_changelist?status__exact=dead",
    tone=BAD,
)
_REVIEWS: Final = _Kind(
    name="Payments under review",
    sees="payments.view_paymentlog",
    acts=reviews.RESOLVE_PERMISSION,
    listed_at="payments_paymentlog_changelist?review_reason__gt=",
    tone=BAD,
)
_TROUBLE: Final = _Kind(
    name="Refunds that need attention",
    sees="payments.view_refund",
    acts=refunds.APPROVE_PERMISSION,
    listed_at="payments_refund_changelist?state__exact=needs_attention",
    tone=BAD,
)
_REFUNDS: Final = _Kind(
    name="Refunds to decide",
    sees="payments.view_refund",
    acts=refunds.APPROVE_PERMISSION,
    listed_at="payments_refund_changelist?state__exact=awaiting_approval",
    tone=CARE,
)
_ADJUSTMENTS: Final = _Kind(
    name="Adjustments to decide",
    sees="billing.view_creditadjustment",
    acts=adjustments.APPROVE_PERMISSION,
    listed_at="billing_creditadjustment_changelist?state__exact=awaiting_approval",
    tone=CARE,
)
_BREAKS: Final = _Kind(
    name="Reconciliation breaks",
    sees="payments.view_reconciliationbreak",
    acts="payments.dismiss_break",
    listed_at="payments_reconciliationbreak_changelist?state__exact=open",
    tone=CARE,
)
_STUCK: Final = _Kind(
    name="Refunds that do not move",
    sees="payments.view_refund",
    acts=refunds.APPROVE_PERMISSION,
    listed_at="payments_refund_changelist?state__in=approved,submitting,unknown",
    tone=BAD,
)
_QUARANTINED: Final = _Kind(
    name="Quarantined events",
    sees="payments.view_webhookevent",
    acts="payments.replay_event",
    listed_at="payments_webhookevent_changelist?status__exact=quarantined",
    tone=CARE,
)
# What a worker takes up by itself, which nobody need look at unless no worker lives.
_DUE: Final = _Kind(
    name="Events waiting",
    sees="payments.view_webhookevent",
    acts="payments.view_webhookevent",
    listed_at="payments_webhookevent_changelist?status__in=received,retrying",
    tone=QUIET,
)


def describe_piles(by: User, *, now: datetime) -> dict[str, Any]:
    """Return what needs whoever looks, and what waits for others, of what they may see."""
    if not any(by.has_perm(kind.sees) for kind in _KINDS):
        return {"needs": [], "waits": [], "sees_piles": False}
    waiting = measure_waiting(by=by)
    if waiting is None:
        return {"needs": [], "waits": [], "sees_piles": True, "piles_missing": True}
    silence = worker_signs.find_worker_silence()
    due = [_make_due_tile(waiting.backlog.due_events, silence, now=now)] if by.has_perm(_DUE.sees) else []
    piles = [(kind, pile, own) for kind, pile, own in _list_piles(waiting, now=now) if by.has_perm(kind.sees)]
    needs = [
        _make_tile(kind, pile, pile.count - own, now=now)
        for kind, pile, own in piles
        if pile.count > own and by.has_perm(kind.acts)
    ]
    waits = [
        _make_tile(kind, pile, pile.count, now=now)
        for kind, pile, own in piles
        if not (pile.count > own and by.has_perm(kind.acts))
    ]
    return {
        # Without a worker everything stands still: whoever sees it first says so.
        "needs": [*due, *needs] if silence else needs,
        "waits": waits if silence else [*waits, *due],
        "sees_piles": True,
        "lag_now": _tell_lag(waiting.backlog.due_events, now=now),
    }


_KINDS: Final = (_DISPUTES, _DEAD, _REVIEWS, _TROUBLE, _STUCK, _REFUNDS, _ADJUSTMENTS, _BREAKS, _QUARANTINED, _DUE)


def _list_piles(waiting: Waiting, *, now: datetime) -> list[tuple[_Kind, Pile, int]]:
    """Return each pile with how much of it whoever looks may not decide; disputes first only when time runs out."""
    backlog = waiting.backlog
    disputes = (_DISPUTES, backlog.disputes, 0)
    others = [
        (_DEAD, backlog.dead_events, 0),
        (_REVIEWS, backlog.reviews, 0),
        (_TROUBLE, backlog.refunds_in_trouble, 0),
        (_STUCK, backlog.refunds_stuck, 0),
        (_REFUNDS, backlog.refunds_to_decide, waiting.own_refunds),
        (_ADJUSTMENTS, waiting.adjustments, waiting.own_adjustments),
        (_BREAKS, backlog.breaks, 0),
        (_QUARANTINED, backlog.quarantined_events, 0),
    ]
    return [disputes, *others] if _is_pressing(backlog.disputes, now=now) else [*others[:3], disputes, *others[3:]]


def _is_pressing(disputes: Pile, *, now: datetime) -> bool:
    return bool(disputes.oldest_at and disputes.oldest_at < now + _SOON)


def _make_tile(kind: _Kind, pile: Pile, count: int, *, now: datetime) -> Tile:
    view, _, query = kind.listed_at.partition("?")
    tone = BAD if kind is _DISPUTES and _is_pressing(pile, now=now) else kind.tone
    return Tile(
        kind.name,
        f"{count:,}",
        _list_more(kind, pile, now=now),
        f"{reverse(f'admin:{view}')}?{query}",
        tone if count else QUIET,
    )


def _make_due_tile(due: Pile, silence: WorkerSilence | None, *, now: datetime) -> Tile:
    tile = _make_tile(_DUE, due, due.count, now=now)
    return replace(tile, more=[silence.label, *tile.more], tone=BAD) if silence else tile


def _tell_lag(due: Pile, *, now: datetime) -> str:
    """Return what the chart of what was processed does not show."""
    if due.oldest_at is None:
        return "Nothing waits now."
    return f"{due.count:,} wait now, the oldest for {_show_distance(due.oldest_at, now)}."


def _list_more(kind: _Kind, pile: Pile, *, now: datetime) -> list[str]:
    if pile.oldest_at is None:
        return []
    if kind is not _DISPUTES:
        return [f"oldest {_show_distance(pile.oldest_at, now)} ago"]
    if pile.oldest_at < now:
        return [f"a deadline passed {_show_distance(pile.oldest_at, now)} ago"]
    return [f"nearest deadline in {_show_distance(now, pile.oldest_at)}"]


def _show_distance(earlier: datetime, later: datetime) -> str:
    return timesince(earlier, later).split(",")[0]

"""What replays would change: the real processing, rolled back, told in the words of the business.

The events of one customer are rehearsed one upon the other, as they are replayed later: two events of one payment
credit it once in the plan too. Customers are rehearsed apart, so that no wallet is locked for longer than its own.

The plan's hash covers what is there before and what would be there after, so that applying a plan can be refused
when the world has moved since it was made. References and times that are made anew each time are left out.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.models import Receivable, Wallet
from billing.selectors.entries import list_entries_of_payment
from namaskah.money import format_credits
from namaskah.rehearsals import check_deferred, rehearse
from payments.models import Dispute, PaymentLog, Refund, WebhookEvent
from payments.services import gateway_calls, replays
from payments.services.replays import EventBusyError, EventNotFoundError, EventNotReplayableError

# Told how many events have been rehearsed so far.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a payment and its customer stand: what a plan is made against."""

    event_status: str
    state: str
    review_reason: str
    lock_version: int
    refunded_minor: int
    balance: str
    held: str
    sequence: int
    refunds: dict[str, str]
    disputes: dict[str, str]
    receivables: str


@dataclass(frozen=True, slots=True)
class PlannedReplay:
    """One event: what is, what would be, and the ledger entries that would be posted."""

    event_id: str
    reference: str
    before: Standing
    after: Standing
    entries: tuple[tuple[str, str], ...]
    error: str

    @property
    def changes_nothing(self) -> bool:
        """Whether money, states and debts would be as before."""
        same = asdict(self.before) | {"event_status": "", "lock_version": 0}
        return same == asdict(self.after) | {"event_status": "", "lock_version": 0} and not self.entries

    @property
    def total(self) -> Decimal:
        """The sum of the ledger entries, in credits."""
        return sum((Decimal(amount) for _, amount in self.entries), Decimal(0))


def plan_replays(event_ids: Sequence[UUID], *, progress: Progress = lambda _count: None) -> list[PlannedReplay]:
    """Rehearse the replays in the order of `event_ids` and tell what each would do. Nothing is written, here or there.

    The gateway is asked where the real replay would ask it.

    :raises EventNotFoundError: if there is no event with one of the ids.
    """
    planned: dict[UUID, PlannedReplay] = {}
    for events in _group_by_customer(event_ids):
        with rehearse(), gateway_calls.reads_only():
            for event in events:
                planned[event.pk] = _plan(event)
                progress(len(planned))
    return [planned[event_id] for event_id in event_ids]


def hash_plan(plan: Iterable[PlannedReplay]) -> str:
    """Return what stands for this plan: 16 hexadecimal digits of its SHA-256."""
    text = json.dumps([asdict(planned) for planned in plan], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _group_by_customer(event_ids: Sequence[UUID]) -> list[list[WebhookEvent]]:
    events = WebhookEvent.objects.defer("body").in_bulk(event_ids)
    if len(events) < len(set(event_ids)):
        raise EventNotFoundError("There is no such event.")
    payments = PaymentLog.objects.filter(reference__in={event.reference for event in events.values()})
    customers = dict(payments.values_list("reference", "user_id"))
    groups: dict[object, list[WebhookEvent]] = defaultdict(list)
    for event in dict.fromkeys(events[event_id] for event_id in event_ids):
        groups[customers.get(event.reference, event.reference)].append(event)
    return list(groups.values())


def _plan(event: WebhookEvent) -> PlannedReplay:
    event.refresh_from_db(fields=["status"])
    before, known = _read(event), _list_entries(event)
    error = _rehearse_replay(event)
    event.refresh_from_db(fields=["status"])
    after = _read(event)
    entries = tuple(entry for key, entry in _list_entries(event).items() if key not in known)
    return PlannedReplay(str(event.pk), event.reference, before, after, entries, error)


def _rehearse_replay(event: WebhookEvent) -> str:
    """Replay the event, and return why it fails, if it does."""
    savepoint = transaction.savepoint()
    try:
        error = replays.replay_event(event_id=event.pk, by=None, reason="rehearsal").error
        # What its own commit would check.
        check_deferred()
    except (EventBusyError, EventNotReplayableError) as refusal:
        return refusal.detail
    except IntegrityError as refusal:
        transaction.savepoint_rollback(savepoint)
        return str(refusal)
    return error


def _read(event: WebhookEvent) -> Standing:
    payment = PaymentLog.objects.filter(reference=event.reference).first()
    wallet = Wallet.objects.filter(user_id=payment.user_id).first() if payment else None
    owed = Receivable.objects.filter(payment_log=payment, cancelled_at__isnull=True) if payment else []
    return Standing(
        event_status=event.status,
        state=payment.state if payment else "",
        review_reason=payment.review_reason if payment else "",
        lock_version=payment.lock_version if payment else -1,
        refunded_minor=payment.amount_refunded_minor if payment else 0,
        balance=format_credits(wallet.balance if wallet else Decimal(0)),
        held=format_credits(wallet.held if wallet else Decimal(0)),
        sequence=wallet.sequence if wallet else 0,
        refunds=_read_refunds(payment),
        disputes=_read_disputes(payment),
        receivables=format_credits(sum((row.amount for row in owed), Decimal(0))),
    )


def _read_refunds(payment: PaymentLog | None) -> dict[str, str]:
    # One without the gateway's number was asked for here, under a reference that stays.
    refunds = Refund.objects.filter(payment=payment).order_by("pk")
    rows = refunds.values_list("gateway_refund_id", "reference", "state")
    return {str(number or reference): state for number, reference, state in rows}


def _read_disputes(payment: PaymentLog | None) -> dict[str, str]:
    rows = Dispute.objects.filter(payment=payment).order_by("pk").values_list("gateway_dispute_id", "state")
    return {str(number): state for number, state in rows}


def _list_entries(event: WebhookEvent) -> dict[UUID, tuple[str, str]]:
    payment_id = PaymentLog.objects.filter(reference=event.reference).values_list("pk", flat=True).first()
    entries = list_entries_of_payment(payment_id) if payment_id else ()
    return {entry.pk: (entry.type, format_credits(entry.amount)) for entry in entries}


def as_dictionary(planned: PlannedReplay) -> dict[str, Any]:
    """Return one planned replay as JSON tells it: only what would change, from and to."""
    before, after = asdict(planned.before), asdict(planned.after)
    changes = {
        name: {"from": before[name], "to": after[name]}
        for name in before
        if before[name] != after[name] and name not in {"lock_version", "sequence"}
    }
    return {
        "event": planned.event_id,
        "reference": planned.reference,
        "changes": changes,
        "entries": [{"type": kind, "amount": amount} for kind, amount in planned.entries],
        "total": format_credits(planned.total),
        "error": planned.error,
    }


def tell(planned: PlannedReplay) -> str:
    """Return one planned replay as a line for people."""
    told = as_dictionary(planned)
    moves = [f"{name} {_word(move['from'])} -> {_word(move['to'])}" for name, move in told["changes"].items()]
    moves += [f"{entry['type']} {entry['amount']}" for entry in told["entries"]]
    if planned.error:
        moves.append(f"fails: {planned.error}")
    elif planned.changes_nothing:
        moves = ["changes nothing"]
    return f"{planned.event_id}  {planned.reference or '-'}  {', '.join(moves)}"


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number} {state}" for number, state in value.items()) or "none"
    return str(value) or "-"

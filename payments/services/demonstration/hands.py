"""What the staff of the demonstration did by hand, and what waits for them beside payments."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User

from billing.lifecycles import AdjustmentReason, AdjustmentState
from billing.services import adjustments
from billing.services.adjustments import AdjustmentRequest
from namaskah.audit.models import AuditEntry, Note, Outcome
from payments.lifecycles import BreakKind, BreakState, EventStatus
from payments.models import PaymentLog, ReconciliationBreak
from payments.services.demonstration.gateway import store_event, store_failed_attempts
from payments.services.demonstration.people import ADMINISTRATOR, STAFF
from payments.services.demonstration.plan import make_id_at, make_key
from payments.services.demonstration.refunds import Team

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
# Days ago, credits, reason, ticket, note, and what was decided where a second person had to.
_ADJUSTMENTS: Final = (
    (18, "12.50", AdjustmentReason.GOODWILL, "T-1042", "Messages to one network were late for an hour.", ""),
    (14, "-8.00", AdjustmentReason.CORRECTION, "T-1077", "The credit of T-1042 was for another customer.", ""),
    (11, "120.00", AdjustmentReason.GOODWILL, "T-1103", "Outage of the 9th, agreed with the sales team.", "approve"),
    (9, "300.00", AdjustmentReason.GOODWILL, "T-1118", "The customer asks for a month for free.", "reject"),
    (5, "25.00", AdjustmentReason.CORRECTION, "T-1164", "Charged twice for one campaign.", ""),
    (1, "180.00", AdjustmentReason.GOODWILL, "T-1201", "A campaign went out to the wrong list by our fault.", "wait"),
    (0, "75.00", AdjustmentReason.CORRECTION, "T-1209", "A transfer outside Paystack, seen on the statement.", "wait"),
)
_NOTES: Final = (
    "Called the customer: the bank took the money twice and will give one back by itself.",
    "Waits for the bank statement that the customer wants to send until Friday.",
    "Same customer as in T-1164; they top up by transfer and often send too little.",
)
# Kind, state, ours, theirs, days since it was found.
_BREAKS: Final = (
    (BreakKind.AMOUNT, BreakState.OPEN, "41250.00 NGN", "40000.00 NGN", 3),
    (BreakKind.STATE, BreakState.OPEN, "failed", "success", 1),
    (BreakKind.MISSING_THERE, BreakState.OPEN, "completed", "unknown there", 6),
    (BreakKind.DUPLICATE, BreakState.REPAIRED, "one payment", "two transactions", 12),
    (BreakKind.CURRENCY, BreakState.DISMISSED, "NGN", "USD", 15),
    (BreakKind.MISSING_HERE, BreakState.GONE, "unknown here", "success", 20),
)
_TRAIL_DAYS: Final = 14
UNKNOWN_CHARGE: Final = 7_310_001


def seed_adjustments(customers: list[User], team: Team, *, now: datetime) -> None:
    """Let support give and take credits, and finance decide where it must; one request is finance's own."""
    for number, (days, amount, reason, ticket, note, decision) in enumerate(_ADJUSTMENTS):
        at = now - days * _DAY - (number + 1) * timedelta(minutes=20)
        request = AdjustmentRequest(
            user_id=customers[number].pk,
            amount=Decimal(amount),
            reason_code=reason,
            note=note,
            ticket=ticket,
            idempotency_key=make_key(f"adjustment {number}"),
        )
        is_last = number == len(_ADJUSTMENTS) - 1
        made = adjustments.request_adjustment(request=request, by=team.decides if is_last else team.asks, now=at)
        if made.state == AdjustmentState.AWAITING_APPROVAL and decision in _DECISIONS:
            _DECISIONS[decision](
                adjustment_id=made.pk, by=team.decides, comment="Looked at with the ticket.", now=at + 2 * _HOUR
            )


_DECISIONS: Final = {"approve": adjustments.approve_adjustment, "reject": adjustments.reject_adjustment}


def seed_notes(cases: list[PaymentLog], author: User, *, now: datetime) -> None:
    """Write notes about some payments and their customers."""
    for number, payment in enumerate(cases):
        at = min(payment.created_at + 6 * _HOUR, now)
        for subject in (payment.reference, f"user:{payment.user_id}")[: 1 + number % 2]:
            Note.objects.get_or_create(
                pk=make_key(f"note {subject}"),
                defaults={"subject": subject, "text": _NOTES[number % len(_NOTES)], "author": author, "created_at": at},
            )
            _record(author, "note.add", subject, at=at)


def seed_breaks(cases: list[PaymentLog], by: User, *, now: datetime) -> None:
    """Write down what a reconciliation would have found."""
    for payment, (kind, state, ours, theirs, days) in zip(cases, _BREAKS, strict=False):
        # Nothing is found of a purchase before it was begun.
        at = min(max(now - days * _DAY, payment.created_at + _HOUR), now)
        is_open, is_dismissed = state == BreakState.OPEN, state == BreakState.DISMISSED
        # Finance works on the first; the other open ones wait for somebody.
        is_taken = is_dismissed or kind == BreakKind.AMOUNT
        ReconciliationBreak.objects.create(
            id=make_id_at(at),
            kind=kind,
            subject=payment.reference,
            payment=payment,
            ours=ours,
            theirs=theirs,
            state=state,
            first_seen_at=at,
            last_seen_at=max(at, now - _HOUR) if is_open else min(at + _DAY, now),
            closed_at=None if is_open else min(at + 2 * _DAY, now),
            dismissed_by=by if is_dismissed else None,
            dismissal_note="Paystack confirms: a display error on their side." if is_dismissed else "",
            assigned_to=by if is_taken else None,
        )
        if is_taken:
            _record(by, "break.take", payment.reference, at=min(at + _HOUR, now))


def seed_odd_events(*, now: datetime) -> None:
    """Keep events that nobody could act on."""
    unknown: dict[str, Any] = {
        "id": UNKNOWN_CHARGE,
        "reference": "nmk-" + "0" * 36,
        "status": "success",
        "domain": "test",
        "amount": 4_125_000,
    }
    dead = store_event(
        "charge.success",
        unknown,
        reference=unknown["reference"],
        at=now - 26 * _HOUR,
        status=EventStatus.DEAD,
        error_class="UnknownReferenceError",
        error=f"There is no payment {unknown['reference']}.",
        attempts=4,
    )
    store_failed_attempts(dead)
    odd: tuple[tuple[str, str, EventStatus, dict[str, Any], int], ...] = (
        (
            "charge.success",
            "wrong_domain",
            EventStatus.QUARANTINED,
            {"domain": "live", "reference": "nmk-" + "1" * 36},
            2,
        ),
        ("charge.success", "reference_missing", EventStatus.QUARANTINED, {"domain": "test", "amount": 500_000}, 4),
        ("transfer.success", "unknown_type", EventStatus.IGNORED, {"domain": "test", "amount": 900_000}, 3),
        ("charge.success", "foreign_reference", EventStatus.IGNORED, {"domain": "test", "reference": "shop-2291"}, 7),
        ("charge.success", "UnknownReferenceError", EventStatus.DISMISSED, {"reference": "nmk-" + "2" * 36}, 9),
    )
    for number, (event_type, error_class, status, told, days) in enumerate(odd):
        content = {"id": UNKNOWN_CHARGE + 100 + number, "status": "success", **told}
        reference = str(content.get("reference", ""))
        store_event(
            event_type, content, reference=reference, at=now - days * _DAY, status=status, error_class=error_class
        )


def seed_trail(people: dict[str, User], *, now: datetime) -> None:
    """Write what the audit log would hold of two weeks of log-ins and exports."""
    for days in range(_TRAIL_DAYS, 0, -1):
        for number, username in enumerate([ADMINISTRATOR, *STAFF][: 2 + days % 4]):
            at = now - days * _DAY + number * timedelta(minutes=7)
            _record(people[username], "log_in", username, at=at)
    _record(people["auditor"], "list.export", "payments", at=now - 3 * _DAY, reason="Monthly report")
    for minutes in range(5):
        _record(None, "log_in", "finance", at=now - 4 * _DAY + minutes * timedelta(seconds=20), outcome=Outcome.REFUSED)
    _record(None, "lock_out", "finance", at=now - 4 * _DAY + timedelta(minutes=2), outcome=Outcome.REFUSED)


def _record(
    by: User | None, action: str, subject: str, *, at: datetime, reason: str = "", outcome: Outcome = Outcome.DONE
) -> None:
    AuditEntry.objects.create(
        id=make_id_at(at),
        actor=by,
        action=action,
        subject=subject,
        outcome=outcome,
        reason=reason,
        address="192.0.2.10",
        created_at=at,
    )

"""What the inbox's states mean, in words for the staff."""

from datetime import datetime
from typing import Final

from namaskah.back_office.columns import BAD, BUSY, CARE, GOOD, QUIET, Label, show_exact_time
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import replays

TONES: Final = {
    EventStatus.RECEIVED: BUSY,
    EventStatus.RETRYING: CARE,
    EventStatus.PROCESSED: GOOD,
    EventStatus.IGNORED: QUIET,
    EventStatus.QUARANTINED: CARE,
    EventStatus.DEAD: BAD,
    EventStatus.DISMISSED: QUIET,
}
MEANINGS: Final = {
    EventStatus.RECEIVED: "It waits for a worker, which takes it within a second or two.",
    EventStatus.RETRYING: "An attempt failed, and a worker tries again by itself: nothing is to be done yet.",
    EventStatus.PROCESSED: "It had its effect. Replayed, it does the same again, which changes nothing unless Paystack "
    "says something else by now.",
    EventStatus.IGNORED: "It is about something that this product does not act on: nothing was done, and nothing is "
    "to be done.",
    EventStatus.QUARANTINED: "It came from Paystack and is not processed by itself.",
    EventStatus.DEAD: "Every attempt failed. Find the cause in the attempts below; once it is gone, replay the event. "
    "If it is none of ours, dismiss it.",
    EventStatus.DISMISSED: "A colleague gave it up, for the reason below. It is kept, and is processed no more.",
}
_UNUSABLE: Final = "Replaying it could do nothing: look at it, and dismiss it."
_PERHAPS_OURS: Final = "If it is ours after all, replay it; if not, dismiss it."
REASONS: Final = {
    "malformed_event": "Its body is no event that can be read.",
    "reference_missing": "It is about a charge and names no payment that can be read.",
    "no_reference": "It names no payment that can be read.",
    "wrong_domain": "It is about a test transaction and our key is a live one, or the reverse.",
    "unknown_type": "This product does nothing for events of this type.",
    "foreign_reference": "It is about a payment of another product that shares the account.",
}


def label_status(status: str) -> Label:
    """Return a state of the inbox as a coloured word."""
    known = EventStatus(status)
    return Label(known.label, TONES[known], MEANINGS[known])


def label_outcome(attempt: WebhookAttempt) -> Label:
    """Return how an attempt ended; one that failed at an event that had its effect before is no success."""
    if attempt.outcome not in EventStatus.values:
        return Label(attempt.outcome, BAD)
    status = EventStatus(attempt.outcome)
    return Label(status.label, BAD if attempt.error_class and status == EventStatus.PROCESSED else TONES[status])


def explain_event(event: WebhookEvent, *, now: datetime) -> str:
    """Return why the event is where it is, and what can be done."""
    said = [MEANINGS[EventStatus(event.status)]]
    if event.error_class in REASONS:
        said.append(REASONS[event.error_class])
    if event.status == EventStatus.QUARANTINED:
        said.append(_PERHAPS_OURS if replays.is_replayable(event) else _UNUSABLE)
    if event.status in DUE_STATUSES and event.next_attempt_at and event.next_attempt_at > now:
        when = show_exact_time(event.next_attempt_at)
        # In the future and without an error, the time is the end of a worker's lease.
        said.append(f"The next try is due at {when}." if event.error_class else "A worker has it at this moment.")
    return " ".join(said)

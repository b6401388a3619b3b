"""The states of payments, webhook events, refunds, disputes and breaks, and the steps between them that exist.

django-fsm reads the tables for its transitions, a test compares them with the database's triggers.
"""

from typing import Final

from django.db import models


class PaymentState(models.TextChoices):
    """Where a purchase stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"


PAYMENT_EDGES: Final[dict[tuple[PaymentState, PaymentState], str]] = {
    (PaymentState.PENDING, PaymentState.PROCESSING): "the gateway gave a checkout page",
    (PaymentState.PENDING, PaymentState.COMPLETED): "paid before the answer of initialize was stored",
    (PaymentState.PENDING, PaymentState.FAILED): "the gateway refused, or was never reached",
    (PaymentState.PROCESSING, PaymentState.COMPLETED): "paid",
    (PaymentState.PROCESSING, PaymentState.FAILED): "the gateway says that the attempt failed, or it expired",
    (PaymentState.FAILED, PaymentState.COMPLETED): "late success",
    (PaymentState.COMPLETED, PaymentState.REFUNDED): "the whole amount went back",
    (PaymentState.PROCESSING, PaymentState.REFUNDED): "money that was never credited went back",
    (PaymentState.FAILED, PaymentState.REFUNDED): "money that was never credited went back",
}


def sources_of(target: PaymentState) -> list[PaymentState]:
    """Return the states from which a payment can reach `target`."""
    return [source for source, reached in PAYMENT_EDGES if reached == target]


class EventStatus(models.TextChoices):
    """Where a webhook event stands."""

    RECEIVED = "received"
    RETRYING = "retrying"
    PROCESSED = "processed"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
    DEAD = "dead"
    DISMISSED = "dismissed"


DUE_STATUSES: Final = (EventStatus.RECEIVED, EventStatus.RETRYING)


class TransitionSource(models.TextChoices):
    """Which part of the product moved a payment, a refund or a dispute."""

    API = "api"
    WEBHOOK = "webhook"
    WORKER = "worker"
    JANITOR = "janitor"
    ADMIN = "admin"
    COMMAND = "command"


class ReviewReason(models.TextChoices):
    """Why a person must look at a payment."""

    AMOUNT_MISMATCH = "amount_mismatch"
    PARTIAL_DEBIT = "partial_debit"
    OVERPAID = "overpaid"
    CURRENCY_MISMATCH = "currency_mismatch"
    WRONG_DOMAIN = "wrong_domain"
    STATUS_MISMATCH = "status_mismatch"
    EVIDENCE_INCOMPLETE = "evidence_incomplete"
    REVERSAL_PENDING = "reversal_pending"
    PAID_TWICE = "paid_twice"
    TRANSACTION_REUSED = "transaction_reused"
    SENT_BACK_TWICE = "sent_back_twice"


class ReviewOutcome(models.TextChoices):
    """How a person ended a review; a refund ends it too, by itself."""

    CREDITED = "credited"
    DISMISSED = "dismissed"


class RefundState(models.TextChoices):
    """Where a refund stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    SUBMITTED = "submitted"
    NEEDS_ATTENTION = "needs_attention"
    PROCESSED = "processed"
    FAILED = "failed"
    REJECTED = "rejected"


# A refund that was made elsewhere is met where the gateway has it.
REFUND_BIRTHS: Final = (
    RefundState.AWAITING_APPROVAL,
    RefundState.APPROVED,
    RefundState.SUBMITTED,
)
REFUND_EDGES: Final[dict[tuple[RefundState, RefundState], str]] = {
    (RefundState.AWAITING_APPROVAL, RefundState.APPROVED): "a second person agreed",
    (RefundState.AWAITING_APPROVAL, RefundState.REJECTED): "a second person did not",
    (RefundState.APPROVED, RefundState.SUBMITTING): "about to be sent, which is committed first",
    (RefundState.APPROVED, RefundState.FAILED): "the payer's bank took the money before it was sent",
    (RefundState.SUBMITTING, RefundState.APPROVED): "certainly not sent, so it may be sent again",
    (RefundState.SUBMITTING, RefundState.SUBMITTED): "the gateway took it",
    (RefundState.SUBMITTING, RefundState.FAILED): "the gateway said no",
    (RefundState.SUBMITTING, RefundState.UNKNOWN): "sent, and no usable answer came",
    (RefundState.UNKNOWN, RefundState.SUBMITTED): "found in the gateway's list",
    (RefundState.UNKNOWN, RefundState.FAILED): "the gateway's answer came late: no",
    (RefundState.UNKNOWN, RefundState.NEEDS_ATTENTION): "not found in the gateway's list for long enough",
    (RefundState.SUBMITTED, RefundState.PROCESSED): "the money went back",
    (RefundState.SUBMITTED, RefundState.FAILED): "the gateway could not send it",
    (RefundState.SUBMITTED, RefundState.NEEDS_ATTENTION): "the gateway needs the payer's bank details",
    (RefundState.NEEDS_ATTENTION, RefundState.SUBMITTED): "the gateway goes on with it",
    (RefundState.NEEDS_ATTENTION, RefundState.PROCESSED): "the money went back",
    (RefundState.NEEDS_ATTENTION, RefundState.FAILED): "the gateway gave up, or a person found that it was never sent",
}
# The reason of the step to `needs_attention` whose end the dispute decides.
FAILED_WHILE_DISPUTED: Final = "failed_while_disputed"
# What no longer stands against the payment's amount.
REFUND_ENDED_WITHOUT_MONEY: Final = (RefundState.FAILED, RefundState.REJECTED)
# The gateway may have it or not: nothing else may be sent for the payment meanwhile.
REFUND_IN_DOUBT: Final = (RefundState.SUBMITTING, RefundState.UNKNOWN)
# Agreed upon, and not known to be at the gateway.
REFUND_MOVING: Final = (RefundState.APPROVED, *REFUND_IN_DOUBT)


def refund_sources_of(target: RefundState) -> list[RefundState]:
    """Return the states from which a refund can reach `target`."""
    return [source for source, reached in REFUND_EDGES if reached == target]


class DisputeState(models.TextChoices):
    """Where a dispute stands, as far as the customer's credits go."""

    OPEN = "open"
    LOST = "lost"
    WON = "won"
    REVIEW = "review"


DISPUTE_UNDECIDED: Final = (DisputeState.OPEN, DisputeState.REVIEW)
# The payer's bank claims the money or has it: no other way may send it back as well.
DISPUTE_STANDING: Final = (*DISPUTE_UNDECIDED, DisputeState.LOST)

DISPUTE_EDGES: Final[dict[tuple[DisputeState, DisputeState], str]] = {
    (DisputeState.OPEN, DisputeState.LOST): "the gateway took the money back",
    (DisputeState.OPEN, DisputeState.WON): "the claim was turned down",
    (DisputeState.OPEN, DisputeState.REVIEW): "resolved in a way that nobody foresaw",
    (DisputeState.REVIEW, DisputeState.LOST): "the gateway took the money back",
    (DisputeState.REVIEW, DisputeState.WON): "the claim was turned down",
}


def dispute_sources_of(target: DisputeState) -> list[DisputeState]:
    """Return the states from which a dispute can reach `target`."""
    return [source for source, reached in DISPUTE_EDGES if reached == target]


class BreakKind(models.TextChoices):
    """How the gateway's books and ours differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATE = "state"
    DUPLICATE = "duplicate"


class BreakState(models.TextChoices):
    """Whether a difference is still there."""

    OPEN = "open"
    REPAIRED = "repaired"
    GONE = "gone"
    DISMISSED = "dismissed"

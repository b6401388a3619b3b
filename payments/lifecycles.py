"""The states of a payment and of a webhook event, and every step between them that exists.

django-fsm reads the table for its transitions, a test compares it with the database's trigger.
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
    """Which part of the product moved a payment."""

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

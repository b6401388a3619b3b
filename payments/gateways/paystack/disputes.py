"""Paystack's disputes (https://paystack.com/docs/api/dispute)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from payments.gateways.paystack import client
from payments.gateways.paystack.answers import UnusableAnswerError
from payments.gateways.paystack.parsing import read_integer, read_time, read_word

RESOLVED: Final = "resolved"
# How a resolved dispute ended: the merchant or the deadline gave in, or the claim was turned down.
LOST: Final = frozenset({"merchant-accepted", "auto-accepted"})
WON: Final = frozenset({"declined"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """What Paystack says of one dispute; `amount_minor` is what the payer's bank claims back, in subunits."""

    dispute_id: int
    status: str
    resolution: str
    category: str
    amount_minor: int | None
    currency: str
    reference: str
    due_at: datetime | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundDispute:
    """A dispute, and the redacted answer that tells of it."""

    report: DisputeReport
    answer: dict[str, Any]


def fetch_dispute(dispute_id: int) -> FoundDispute:
    """Ask for one dispute.

    :raises GatewayRejectedError: if Paystack knows no such dispute, or would not say.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    return client.get(f"/dispute/{dispute_id}", read=partial(_read_found, dispute_id=dispute_id))


def _read_found(data: object, answer: dict[str, Any], *, dispute_id: int) -> FoundDispute:
    if not isinstance(data, Mapping) or read_integer(data.get("id")) != dispute_id:
        raise UnusableAnswerError
    transaction = data.get("transaction")
    reference = read_word(transaction.get("reference")) if isinstance(transaction, Mapping) else ""
    status = read_word(data.get("status"))
    if not reference or not status:
        raise UnusableAnswerError
    report = DisputeReport(
        dispute_id=dispute_id,
        status=status,
        resolution=read_word(data.get("resolution")),
        category=read_word(data.get("category")),
        amount_minor=read_integer(data.get("refund_amount")) or None,
        currency=read_word(data.get("currency")),
        reference=reference,
        due_at=read_time(data.get("dueAt")),
        resolved_at=read_time(data.get("resolvedAt")),
    )
    return FoundDispute(report=report, answer=answer)

"""Paystack's disputes (https://paystack.com/docs/api/dispute)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from payments.gateways.paystack import client
from payments.gateways.paystack.answers import UnusableAnswerError
from payments.gateways.paystack.parsing import read_integer, read_time, read_word

RESOLVED: Final = "resolved"
# How a resolved dispute ended: the merchant or the deadline gave in, or the claim was turned down.
LOST: Final = frozenset({"merchant-accepted", "auto-accepted"})
WON: Final = frozenset({"declined"})

PAGE_SIZE: Final = 100


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


@dataclass(frozen=True, slots=True)
class ListedDisputes:
    """The disputes of one page, and the redacted answer that names them."""

    reports: tuple[DisputeReport, ...]
    answer: dict[str, Any]


def fetch_dispute(dispute_id: int) -> FoundDispute:
    """Ask for one dispute.

    :raises GatewayRejectedError: if Paystack knows no such dispute, or would not say.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    return client.get(f"/dispute/{dispute_id}", read=partial(_read_found, dispute_id=dispute_id))


def list_disputes(*, transaction_id: int, page: int = 1) -> ListedDisputes:
    """Ask for one page of the disputes of a transaction, by its number.

    :raises GatewayRejectedError: if Paystack would not say.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    path = f"/dispute?transaction={transaction_id}&perPage={PAGE_SIZE}&page={page}"
    return client.get(path, read=_read_listed)


def list_disputes_between(*, after: datetime, before: datetime, page: int = 1) -> ListedDisputes:
    """Ask for one page of all disputes that were opened from `after` to `before`.

    :raises GatewayRejectedError: if Paystack would not say.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    period = urlencode({"from": after.isoformat(), "to": before.isoformat(), "perPage": PAGE_SIZE, "page": page})
    return client.get(f"/dispute?{period}", read=_read_listed)


def _read_found(data: object, answer: dict[str, Any], *, dispute_id: int) -> FoundDispute:
    report = _read_report(data)
    if report is None or report.dispute_id != dispute_id:
        raise UnusableAnswerError
    return FoundDispute(report=report, answer=answer)


def _read_listed(data: object, answer: dict[str, Any]) -> ListedDisputes:
    if not isinstance(data, list):
        raise UnusableAnswerError
    reports = [_read_report(row) for row in data]
    if None in reports:
        # Half a list would make a dispute look as if nobody had ever opened it.
        raise UnusableAnswerError
    return ListedDisputes(reports=tuple(report for report in reports if report), answer=answer)


def _read_report(row: object) -> DisputeReport | None:
    if not isinstance(row, Mapping):
        return None
    transaction = row.get("transaction")
    dispute_id, status = read_integer(row.get("id")), read_word(row.get("status"))
    reference = read_word(transaction.get("reference")) if isinstance(transaction, Mapping) else ""
    if not dispute_id or not reference or not status:
        return None
    return DisputeReport(
        dispute_id=dispute_id,
        status=status,
        resolution=read_word(row.get("resolution")),
        category=read_word(row.get("category")),
        amount_minor=read_integer(row.get("refund_amount")) or None,
        currency=read_word(row.get("currency")),
        reference=reference,
        due_at=read_time(row.get("dueAt")),
        resolved_at=read_time(row.get("resolvedAt")),
    )

"""Paystack's refunds (https://paystack.com/docs/api/refund)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from payments.gateways.paystack import client
from payments.gateways.paystack.answers import UnusableAnswerError
from payments.gateways.paystack.parsing import read_integer, read_sentence, read_time, read_word

NEEDS_ATTENTION: Final = "needs-attention"
PROCESSED: Final = "processed"
FAILED: Final = "failed"

PAGE_SIZE: Final = 100
# A payment with more refunds than this has another problem.
_MAX_PAGES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What Paystack says of one refund; `amount_minor` in subunits of `currency`."""

    refund_id: int
    status: str
    amount_minor: int
    currency: str
    transaction_id: int | None
    merchant_note: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedRefund:
    """A refund that Paystack has queued, and the redacted answer that says so."""

    report: RefundReport
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedRefunds:
    """The refunds of one page, and the redacted answer that names them."""

    reports: tuple[RefundReport, ...]
    answer: dict[str, Any]


def create_refund(*, reference: str, amount_minor: int, currency: str, merchant_note: str) -> CreatedRefund:
    """Have Paystack send `amount_minor` subunits of a transaction back to its payer. Never sent twice.

    There is no idempotency key at Paystack, so `merchant_note` is what a lost answer is found by.

    :raises GatewayRejectedError: if Paystack said no; nothing happened.
    :raises GatewayMisconfiguredError: if it refused our key; nothing happened.
    :raises GatewayUnavailableError: if it was not sent; nothing happened.
    :raises GatewayOutcomeUnknownError: if it was sent and no usable answer came.
    """
    body = {"transaction": reference, "amount": amount_minor, "currency": currency, "merchant_note": merchant_note}
    return client.post("/refund", body=body, read=_read_created)


def list_refunds(*, transaction_id: int, page: int = 1) -> ListedRefunds:
    """Ask for the refunds of a transaction, newest first; by its number, because a reference silently fits nothing.

    :raises GatewayRejectedError: if Paystack said no.
    :raises GatewayMisconfiguredError: if Paystack refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    path = f"/refund?transaction={transaction_id}&perPage={PAGE_SIZE}&page={page}"
    return client.get(path, read=_read_listed)


def list_refunds_between(*, after: datetime, before: datetime, page: int = 1) -> ListedRefunds:
    """Ask for one page of all refunds that were made from `after` to `before`, newest first.

    :raises GatewayRejectedError: if Paystack said no.
    :raises GatewayMisconfiguredError: if Paystack refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    period = urlencode({"from": after.isoformat(), "to": before.isoformat(), "perPage": PAGE_SIZE, "page": page})
    return client.get(f"/refund?{period}", read=_read_listed)


def is_last_page(listed: ListedRefunds, *, page: int) -> bool:
    """Whether there is nothing more to ask for."""
    return len(listed.reports) < PAGE_SIZE or page >= _MAX_PAGES


def _read_created(data: object, answer: dict[str, Any]) -> CreatedRefund:
    report = _read_report(data)
    if report is None:
        raise UnusableAnswerError
    return CreatedRefund(report=report, answer=answer)


def _read_listed(data: object, answer: dict[str, Any]) -> ListedRefunds:
    if not isinstance(data, list):
        raise UnusableAnswerError
    reports = [_read_report(row) for row in data]
    if None in reports:
        # Half a list would make a refund look as if it had never been made.
        raise UnusableAnswerError
    return ListedRefunds(reports=tuple(report for report in reports if report), answer=answer)


def _read_report(row: object) -> RefundReport | None:
    if not isinstance(row, Mapping):
        return None
    refund_id, amount_minor = read_integer(row.get("id")), read_integer(row.get("amount"))
    status = read_word(row.get("status"))
    if not refund_id or not amount_minor or not status:
        return None
    return RefundReport(
        refund_id=refund_id,
        status=status,
        amount_minor=amount_minor,
        currency=read_word(row.get("currency")),
        transaction_id=_read_transaction_id(row.get("transaction")),
        merchant_note=read_sentence(row.get("merchant_note")),
        created_at=read_time(row.get("createdAt")) or read_time(row.get("created_at")),
    )


def _read_transaction_id(transaction: object) -> int | None:
    """Return the number of the transaction: an object in the answer to a creation, a number in lists."""
    if isinstance(transaction, Mapping):
        transaction = transaction.get("id")
    return read_integer(transaction) or None

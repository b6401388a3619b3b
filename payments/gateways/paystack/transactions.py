"""Paystack's transactions (https://paystack.com/docs/api/transaction)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from payments.gateways.paystack import client
from payments.gateways.paystack.answers import UnusableAnswerError
from payments.gateways.paystack.errors import RejectedError
from payments.gateways.paystack.parsing import read_evidence
from payments.models.evidence import Evidence

PAGE_SIZE: Final = 100
_URL_LIMIT: Final = 300
_ACCESS_CODE_LIMIT: Final = 100


class DuplicateReferenceError(RejectedError):
    """Paystack knows this reference from an earlier call."""


@dataclass(frozen=True, slots=True)
class InitializedTransaction:
    """A checkout page that waits for the payer, and the redacted answer that says so."""

    authorization_url: str
    access_code: str
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """What Paystack knows of a reference, None if it knows nothing, and the redacted answer that says so."""

    evidence: Evidence | None
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedTransactions:
    """The transactions of one page, and the redacted answer that names them."""

    evidence: tuple[Evidence, ...]
    answer: dict[str, Any]


def initialize_transaction(
    *,
    email: str,
    amount_minor: int,
    currency: str,
    reference: str,
    callback_url: str = "",
    channels: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> InitializedTransaction:
    """Have Paystack make a checkout page for `amount_minor` subunits of `currency`.

    No call gives the page's address again, so it must be kept at once.

    :raises DuplicateReferenceError: if the reference was used before.
    :raises GatewayRejectedError: if Paystack said no; nothing happened.
    :raises GatewayMisconfiguredError: if it refused our key; nothing happened.
    :raises GatewayUnavailableError: if it was not sent; nothing happened.
    :raises GatewayOutcomeUnknownError: if it was sent and no usable answer came.
    """
    body: dict[str, Any] = {"email": email, "amount": amount_minor, "currency": currency, "reference": reference}
    if callback_url:
        body["callback_url"] = callback_url
    if channels:
        body["channels"] = list(channels)
    if metadata:
        # As text, because numbers in an object come back as strings.
        body["metadata"] = json.dumps(metadata)

    try:
        return client.post("/transaction/initialize", body=body, read=partial(_read_initialized, reference=reference))
    except RejectedError as error:
        if _says(error, code="duplicate_reference", message="Duplicate Transaction Reference"):
            duplicate = DuplicateReferenceError(error.detail, gateway_code=error.gateway_code)
            duplicate.answer = error.answer
            raise duplicate from error
        raise


def find_transaction(reference: str) -> FoundTransaction:
    """Ask Paystack what it knows of `reference`.

    :raises GatewayRejectedError: if Paystack refused to say.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    path = f"/transaction/verify/{quote(reference, safe='')}"
    try:
        return client.get(path, read=partial(_read_found, reference=reference))
    except RejectedError as error:
        if _says(error, code="transaction_not_found", message="Transaction reference not found"):
            return FoundTransaction(evidence=None, answer=error.answer or {})
        raise


def list_transactions(*, after: datetime, before: datetime, page: int) -> ListedTransactions:
    """Ask for one page of the transactions that were begun from `after` to `before`, newest first.

    :raises GatewayMisconfiguredError: if Paystack refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    """
    period = urlencode({"from": after.isoformat(), "to": before.isoformat(), "perPage": PAGE_SIZE, "page": page})
    return client.get(f"/transaction?{period}", read=_read_listed)


def _read_listed(data: object, answer: dict[str, Any]) -> ListedTransactions:
    # A row that is none would make a payment look as if nobody had ever begun it.
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise UnusableAnswerError
    return ListedTransactions(evidence=tuple(read_evidence(row) for row in data), answer=answer)


def _says(error: RejectedError, *, code: str, message: str) -> bool:
    """Whether Paystack refused for this reason; its message counts where it gives no code."""
    if error.gateway_code:
        return error.gateway_code == code
    return error.detail.rstrip(".").lower() == message.lower()


def _read_initialized(data: object, answer: dict[str, Any], *, reference: str) -> InitializedTransaction:
    if not isinstance(data, dict) or data.get("reference") != reference:
        raise UnusableAnswerError
    authorization_url = _read_plain(data.get("authorization_url"), limit=_URL_LIMIT)
    access_code = _read_plain(data.get("access_code"), limit=_ACCESS_CODE_LIMIT)
    # The payer is sent there. A development gateway speaks plain HTTP.
    if not authorization_url.startswith(("https://", "http://")):
        raise UnusableAnswerError
    return InitializedTransaction(authorization_url=authorization_url, access_code=access_code, answer=answer)


def _read_plain(value: object, *, limit: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limit or not (value.isascii() and value.isprintable()):
        raise UnusableAnswerError
    return value


def _read_found(data: object, answer: dict[str, Any], *, reference: str) -> FoundTransaction:
    evidence = read_evidence(data) if isinstance(data, dict) else None
    if evidence is None or evidence.reference != reference:
        raise UnusableAnswerError
    return FoundTransaction(evidence=evidence, answer=answer)

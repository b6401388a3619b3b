"""Paystack's JSON read into our words: tolerant of what is missing or new, strict about what counts."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from payments.gateways.paystack.texts import clean_text
from payments.models.evidence import Evidence

# Ids are unsigned 64-bit at Paystack and signed in Postgres; nothing near the difference has been seen.
_MAX_BIGINT: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_WORD_LIMIT: Final = 100
_GATEWAY_RESPONSE_LIMIT: Final = 200


def read_evidence(transaction: Mapping[str, Any]) -> Evidence:
    """Read a transaction as verify answers it and `charge.success` carries it.

    Unknown statuses pass through. `metadata` is never looked at: the payer's browser can write it.
    """
    requested_minor = read_integer(transaction.get("requested_amount"))
    # Older answers leave it out; one that is there and cannot be read proves nothing about the amount.
    is_unreadable = transaction.get("requested_amount") is not None and requested_minor is None
    return Evidence(
        reference=read_word(transaction.get("reference")),
        status=read_word(transaction.get("status")),
        domain=read_word(transaction.get("domain")),
        currency=read_word(transaction.get("currency")),
        amount_minor=None if is_unreadable else read_integer(transaction.get("amount")),
        requested_amount_minor=requested_minor,
        fees_minor=read_integer(transaction.get("fees")),
        gateway_transaction_id=read_integer(transaction.get("id")) or None,
        channel=read_word(transaction.get("channel"))[:50],
        paid_at=read_time(transaction.get("paid_at")) or read_time(transaction.get("paidAt")),
        gateway_response=read_sentence(transaction.get("gateway_response")),
    )


def read_integer(value: object) -> int | None:
    """Return `value` if it is a whole number of 0 or more that a BIGINT holds, as an int or as digits."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MAX_BIGINT else None


def read_word(value: object) -> str:
    """Return a word that decisions rest on; one that would have to be cleaned is none."""
    if not isinstance(value, str) or clean_text(value, limit=_WORD_LIMIT) != value:
        return ""
    return value


def read_sentence(value: object) -> str:
    """Return a text for people, cleaned and cut."""
    return clean_text(value, limit=_GATEWAY_RESPONSE_LIMIT) if isinstance(value, str) else ""


def read_time(value: object) -> datetime | None:
    """Return a moment in UTC; one without an offset is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None

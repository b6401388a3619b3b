"""Reading the Idempotency-Key header."""

import re
from typing import Final
from uuid import UUID

from namaskah.errors import InvalidRequestError

HEADER: Final = "Idempotency-Key"
# A UUID as RFC 9562 writes it, bare or as a quoted structured-field string.
_FORM: Final = re.compile(r'("?)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\1', re.IGNORECASE | re.ASCII)


class IdempotencyKeyMissingError(InvalidRequestError):
    """The request moves money and has no key."""

    code = "idempotency_key_missing"


class IdempotencyKeyInvalidError(InvalidRequestError):
    """The key is not a UUID."""

    code = "idempotency_key_invalid"


def parse_key(header: str | None) -> UUID:
    """Return the key that the header names; quoted and bare are the same key.

    :raises IdempotencyKeyMissingError: if there is none.
    :raises IdempotencyKeyInvalidError: if it is not a UUID.
    """
    if header is None or not header.strip():
        raise IdempotencyKeyMissingError(
            "This request moves money: send an Idempotency-Key header with a new UUID, and the same one when you retry."
        )
    return read_key(header)


def check_key(header: str | None) -> None:
    """Refuse a header that holds no key, where a key is allowed and not needed.

    :raises IdempotencyKeyInvalidError: if there is one and it is not a UUID.
    """
    if header is not None:
        read_key(header)


def read_key(header: str) -> UUID:
    """Return the key that `header` names.

    :raises IdempotencyKeyInvalidError: if it is not a UUID.
    """
    match = _FORM.fullmatch(header.strip())
    if match is None:
        raise IdempotencyKeyInvalidError("The Idempotency-Key must be a UUID.")
    return UUID(match[2])

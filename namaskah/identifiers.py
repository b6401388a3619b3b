"""Time-ordered identifiers, so that indexes stay warm and lists sort by age."""

import re
import secrets
import time
from datetime import datetime
from typing import Final
from uuid import UUID

import uuid_utils.compat

# Crockford's base 32 in lower case: no i, l, o, u (https://www.crockford.com/base32.html).
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARACTERS: Final = 10
_RANDOM_CHARACTERS: Final = 26
_TAIL: Final = re.compile(f"[{_ALPHABET}]{{{_TIME_CHARACTERS + _RANDOM_CHARACTERS}}}", re.ASCII)

PAYMENT_PREFIX: Final = "nmk-"
REFUND_PREFIX: Final = "rfd-"
REVERSAL_PREFIX: Final = "rvs-"
ADJUSTMENT_PREFIX: Final = "adj-"
RESERVED_PREFIXES: Final = (PAYMENT_PREFIX, REFUND_PREFIX, REVERSAL_PREFIX, ADJUSTMENT_PREFIX)


def new_id() -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds, 74 random bits (RFC 9562 section 5.7)."""
    return uuid_utils.compat.uuid7()


def find_first_id(moment: datetime) -> UUID:
    """Return what no UUIDv7 made at `moment` or later is smaller than, so that an index on ids finds new rows."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def new_reference(prefix: str) -> str:
    """Return `prefix` and 36 characters: 10 of time, 26 random (130 bits, beyond guessing).

    With a prefix of four characters the whole is 40 long and within the alphabet that Paystack
    accepts for references (letters, digits, `-`, `.`, `=`).
    """
    milliseconds = time.time_ns() // 1_000_000
    moment = _encode(milliseconds, _TIME_CHARACTERS)
    return prefix + moment + _encode(secrets.randbits(5 * _RANDOM_CHARACTERS), _RANDOM_CHARACTERS)


def is_reference(text: str, *, prefix: str) -> bool:
    """Whether `text` has the form of a reference that `new_reference(prefix)` makes."""
    return text.startswith(prefix) and _TAIL.fullmatch(text[len(prefix) :]) is not None


def _encode(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, remainder = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[remainder])
    return "".join(reversed(characters))

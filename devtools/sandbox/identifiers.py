"""Names that Paystack would make up."""

import secrets
import string
import time
from typing import Final

_ALPHABET: Final = string.ascii_lowercase + string.digits


def make_code(prefix: str = "", *, length: int = 15) -> str:
    """Return a name that nobody guesses."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def first_id() -> int:
    """Return where the ids of an empty ledger begin.

    Above 32 bits, as at Paystack, and later for a later ledger, so that a product that outlives one
    sandbox does not meet the ids of the next one again.
    """
    return time.time_ns() // 1000

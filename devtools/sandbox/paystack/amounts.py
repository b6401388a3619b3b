"""Amounts as Paystack takes them: `100`, `100.0` and `"100"` are 100 subunits."""

import re
from typing import Final

from devtools.sandbox.refusals import Refusal

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_LIMIT: Final = 10**18


def read_amount(value: object) -> int | None:
    """Return the amount, or None where there is none.

    :raises Refusal: if it is not a whole number above 0.
    """
    if value is None or value == "":
        return None
    amount = _read_integer(value)
    if amount is None or amount >= _LIMIT:
        raise Refusal('"amount" must be an integer')
    if amount <= 0:
        raise Refusal("Invalid Amount Sent")
    return amount


def _read_integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None

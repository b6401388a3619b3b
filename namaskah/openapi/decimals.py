"""A pattern for plain decimal numbers between two bounds, as `AmountField` accepts them in a string."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

# As many digits as a request may have before the point, and behind it.
DIGITS: Final = 12


def decimal_pattern(*, minimum: Decimal, maximum: Decimal, places: int) -> str:
    """Return an ECMA 262 pattern of the numbers from `minimum` to `maximum` with `places` decimals.

    Leading zeros are accepted, and zeros behind the last decimal. The minimum is a whole number or
    the smallest step above zero, the maximum a whole number.
    """
    step = Decimal(1).scaleb(-places)
    any_fraction = rf"(?:\.[0-9]{{1,{places}}}0{{0,{DIGITS - places}}})?"
    top = int(maximum)
    if maximum != top or (minimum != int(minimum) and minimum != step):
        raise ValueError(f"no pattern from {minimum} to {maximum}")
    alternatives = [*_below_one(places)] if minimum == step else []
    whole = "|".join(_integers(max(int(minimum), 1), top - 1))
    alternatives += [rf"(?:{whole}){any_fraction}", rf"{_leading_zeros(top)}{top}(?:\.0{{1,{DIGITS}}})?"]
    return f"^(?:{'|'.join(alternatives)})$"


def _below_one(places: int) -> Iterator[str]:
    """Yield what lies between zero and one: the first digit that is not zero stands at each place in turn."""
    for zeros in range(places):
        others = f"[0-9]{{0,{places - zeros - 1}}}" if zeros + 1 < places else ""
        yield rf"0{{1,{DIGITS}}}\.{'0' * zeros}[1-9]{others}0{{0,{DIGITS - places}}}"


def _integers(low: int, high: int) -> Iterator[str]:
    """Yield a pattern for the numbers of each length between `low` and `high`."""
    for length in range(len(str(low)), len(str(high)) + 1):
        first, last = max(low, 10 ** (length - 1)), min(high, 10**length - 1)
        yield _leading_zeros(first) + _of_same_length(str(first), str(last))


def _leading_zeros(number: int) -> str:
    return f"0{{0,{DIGITS - len(str(number))}}}"


def _of_same_length(low: str, high: str) -> str:
    """Return a pattern for the numbers between two of the same length, at least one digit."""
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return _digit(low[0], high[0]) + "[0-9]" * rest
    if low[0] == high[0]:
        return low[0] + _of_same_length(low[1:], high[1:])
    parts = [low[0] + _of_same_length(low[1:], "9" * rest)]
    if int(high[0]) - int(low[0]) > 1:
        parts.append(_digit(str(int(low[0]) + 1), str(int(high[0]) - 1)) + "[0-9]" * rest)
    parts.append(high[0] + _of_same_length("0" * rest, high[1:]))
    return f"(?:{'|'.join(parts)})"


def _digit(low: str, high: str) -> str:
    return low if low == high else f"[{low}-{high}]"

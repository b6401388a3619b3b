"""JSON that means one thing only: UTF-8, no duplicate keys, no NaN, bounded depth and numbers."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from namaskah.errors import InvalidRequestError

_MAX_DIGITS: Final = 40
# Takes a string that never ends too, and gives nothing back: otherwise each quote in it starts the search anew.
_STRINGS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


class ExponentDecimal(Decimal):
    """A number that was written with an exponent: JSON, but no way to write an amount of money."""


class MalformedJSONError(InvalidRequestError):
    """The bytes are no JSON, or JSON that two readers may understand differently."""

    code = "malformed_json"


def loads(raw: bytes, *, max_depth: int, allow_unsafe_text: bool = False) -> Any:
    """Return what `raw` says; numbers with a fraction come as Decimal.

    `allow_unsafe_text` lets NUL characters and lone surrogates stand in strings, for bodies whose
    strings are never stored as text.

    :raises MalformedJSONError: if `raw` is not UTF-8 without a byte order mark, is no JSON (RFC 8259),
        repeats a key, holds NaN or Infinity, a number of over 40 digits, or is nested too deep.
    """
    try:
        text = raw.decode("utf-8")
        _check_depth(text, max_depth)
        value = json.loads(
            text,
            object_pairs_hook=_refuse_duplicates,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_decimal,
        )
        if not allow_unsafe_text:
            _check_text(value)
    except UnicodeDecodeError as error:
        raise MalformedJSONError("The body is not UTF-8.") from error
    except (ValueError, InvalidOperation) as error:
        # InvalidOperation, which is no ValueError: an exponent beyond what Decimal can hold.
        raise MalformedJSONError("The body is not valid JSON.") from error
    return value


def _check_depth(text: str, max_depth: int) -> None:
    """Count brackets outside strings, because the parser itself recurses."""
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise MalformedJSONError(f"The body is nested deeper than {max_depth} levels.")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJSONError("The body names a member twice.")
    return members


def _refuse_constant(name: str) -> None:
    raise MalformedJSONError(f"{name} is not JSON.")


def _read_integer(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _read_decimal(digits: str) -> Decimal:
    _check_length(digits)
    return ExponentDecimal(digits) if "e" in digits.lower() else Decimal(digits)


def _check_length(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        raise MalformedJSONError(f"A number has more than {_MAX_DIGITS} digits.")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            check_text(name)
            _check_text(member)
    elif isinstance(value, list):
        for member in value:
            _check_text(member)


def check_text(text: str) -> None:
    """Refuse what Postgres cannot store as text.

    :raises MalformedJSONError: if `text` holds a NUL character or a lone surrogate.
    """
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedJSONError("A text holds a NUL character or half of a surrogate pair.")

"""A pattern for one line of text, as `TextField` accepts it."""

import re
from typing import Final

from django.core.validators import RegexValidator
from rest_framework import serializers

# What no text may hold, and the blanks that are taken off at both ends (namaskah/api/fields.py).
_UNSAFE: Final = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_BLANKS: Final = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_END: Final = r"\Z"
_INK: Final = f"[^{_UNSAFE}{_BLANKS}]"


def text_pattern(field: serializers.CharField) -> str:
    """Return an ECMA 262 pattern of what `field` accepts: its length counts without the blanks around the text."""
    core = next((_core_of(each) for each in field.validators if isinstance(each, RegexValidator)), None)
    inner = core or _line(field.max_length)
    blanks = f"[{_BLANKS}]*"
    if field.allow_blank:
        return f"^{blanks}(?:{inner}{blanks})?$"
    return f"^{blanks}{inner}{blanks}$"


def _line(max_length: int | None) -> str:
    length = "*" if max_length is None else f"{{0,{max_length - 2}}}"
    return f"{_INK}(?:[^{_UNSAFE}]{length}{_INK})?"


def _core_of(validator: RegexValidator) -> str:
    pattern = re.compile(validator.regex).pattern
    return f"(?:{pattern.removeprefix('^').removesuffix(_END)})"

"""Money on the wire."""

import re
from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from namaskah.api.strict_json import ExponentDecimal
from namaskah.money import format_credits

# ASCII digits alone: no sign, exponent, underscore or blank, and no digit of another script.
_PLAIN: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)

# Control characters, line separators, and marks that let a text show in another order than it is stored.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class AmountField(serializers.Field[Decimal, Any, str, Any]):
    """An amount of dollars: a plain decimal string or a JSON number, between two bounds."""

    default_error_messages = {
        "invalid": "Must be a plain decimal number, such as 25.00.",
        "max_places": "Must have at most {places} decimals.",
        "min_value": "Must be at least {bound}.",
        "max_value": "Must be at most {bound}.",
    }

    def __init__(self, *, max_places: int, min_value: Decimal, max_value: Decimal, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_places = max_places
        self.min_value = min_value
        self.max_value = max_value

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount with `max_places` decimals."""
        if isinstance(data, bool | ExponentDecimal) or not isinstance(data, str | int | Decimal):
            self.fail("invalid")
        if not _PLAIN.fullmatch(str(data)):
            self.fail("invalid")
        amount = Decimal(data)
        exact = amount.quantize(Decimal(1).scaleb(-self.max_places))
        if exact != amount:
            self.fail("max_places", places=self.max_places)
        if amount < self.min_value:
            self.fail("min_value", bound=format_credits(self.min_value))
        if amount > self.max_value:
            self.fail("max_value", bound=format_credits(self.max_value))
        return exact

    def to_representation(self, value: Decimal) -> str:
        """Return the amount as the API writes credits."""
        return format_credits(value)


class TextField(serializers.CharField):
    """One line of text: a JSON string without control characters, and without those that turn its order around."""

    default_error_messages = {
        "invalid": "Must be a text.",
        "unsafe": "Must be one line without control characters.",
    }

    def run_validation(self, data: Any = empty) -> Any:
        """Return the text without blanks around it; a line break counts as no blank."""
        if isinstance(data, str) and _UNSAFE.search(data):
            self.fail("unsafe")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text without blanks around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class ShortListField(serializers.ListField):
    """A list whose length is looked at before its members, so that a long one is not read at all."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the members."""
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(
                [ErrorDetail(f"Must have at most {self.max_length} members.", "max_length")]
            )
        return list(super().to_internal_value(data))


class WholeNumberField(serializers.IntegerField):
    """A JSON integer: neither `"5"` nor `5.0` nor `true`."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class DigitsField(serializers.IntegerField):
    """A whole number in an address: ASCII digits alone, no sign, blank or underscore."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if not _DIGITS.fullmatch(str(data)):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class CreditsField(serializers.Field[Decimal, Any, str, Any]):
    """Credits in an answer: a decimal string with at least two and at most four decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        """Return the credits as text."""
        return format_credits(value)

"""Money on the wire."""

import re
from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers

from namaskah.api.strict_json import ExponentDecimal
from namaskah.money import format_credits

# ASCII digits alone: no sign, exponent, underscore or blank, and no digit of another script.
_PLAIN: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)


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


class CreditsField(serializers.Field[Decimal, Any, str, Any]):
    """Credits in an answer: a decimal string with at least two and at most four decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        """Return the credits as text."""
        return format_credits(value)

"""Filters and pages of lists (https://paystack.com/docs/api/#pagination)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from devtools.sandbox.clock import earliest_text, latest_text
from devtools.sandbox.ledger.database import Condition
from devtools.sandbox.ledger.payments import is_id
from devtools.sandbox.refusals import Refusal

_DEFAULT_PER_PAGE: Final = 50


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * self.size

    def meta(self, *, total: int, **further: Any) -> dict[str, Any]:
        """Describe the page within a list of `total` rows."""
        return {
            "total": total,
            **further,
            "skipped": self.offset,
            "perPage": self.size,
            "page": self.number,
            "pageCount": math.ceil(total / self.size),
        }


def read_page(query: Mapping[str, str]) -> Page:
    """Read which page is asked for; what makes no sense is left out of account."""
    return Page(number=_positive(query.get("page"), default=1), size=_positive(query.get("perPage"), _DEFAULT_PER_PAGE))


def read_period(query: Mapping[str, str]) -> list[Condition]:
    """Read `from` and `to`.

    :raises Refusal: if one is neither a date nor a moment.
    """
    conditions: list[Condition] = []
    for name, sql, bound_of in (("from", "created_at >= ?", earliest_text), ("to", "created_at <= ?", latest_text)):
        if bound := query.get(name):
            try:
                conditions.append((sql, bound_of(bound)))
            except (ValueError, OverflowError) as error:
                raise Refusal(f'"{name}" must be a valid date') from error
    return conditions


def read_equals(query: Mapping[str, str], columns: Mapping[str, str]) -> list[Condition]:
    """Read filters that compare text; `columns` says which column each one means."""
    return [(f"{column} = ?", query[name]) for name, column in columns.items() if query.get(name)]


def read_numbers(query: Mapping[str, str], columns: Mapping[str, str]) -> list[Condition]:
    """Read filters that compare numbers; anything else silently fits nothing."""
    return [
        (f"{column} = ?", int(value) if is_id(value) else -1)
        for name, column in columns.items()
        if (value := query.get(name))
    ]


def _positive(text: str | None, default: int) -> int:
    number = int(text) if text and is_id(text) else 0
    return number if 0 < number < 2**31 else default

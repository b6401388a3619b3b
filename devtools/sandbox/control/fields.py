"""Fields of a control request, checked by kind."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from devtools.sandbox.refusals import Refusal

Value = TypeVar("Value")

_WORDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}
_LIMIT = 10**18


class Fields:
    """Takes fields out of a body; each that is left at the end is a mistake of the sender."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._left = dict(body)

    def take(self, name: str, kind: type[Value], *, default: Value | None = None) -> Value | None:
        """Return a field, or the default where it is absent or null.

        :raises Refusal: if it is of another kind.
        """
        value = self._left.pop(name, None)
        if value is None:
            return default
        # True is an int in Python, and nowhere else.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Refusal(f"{name} must be {_WORDS[kind]}")
        return value

    def require(self, name: str, kind: type[Value]) -> Value:
        """Return a field that must be there.

        :raises Refusal: if it is not, or of another kind.
        """
        value = self.take(name, kind)
        if value is None:
            raise Refusal(f"{name} is required")
        return value

    def take_choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return one of several words, or None where it is absent.

        :raises Refusal: if it is another.
        """
        value = self.take(name, str)
        if value is not None and value not in choices:
            raise Refusal(f"{name} must be one of {', '.join(choices)}")
        return value

    def choose(self, name: str, choices: Sequence[str], *, default: str = "") -> str:
        """Return one of several words.

        :raises Refusal: if it is another, or absent without a default.
        """
        value = self.take_choice(name, choices) or default
        if not value:
            raise Refusal(f"{name} is required: one of {', '.join(choices)}")
        return value

    def take_count(self, name: str) -> int | None:
        """Return a number of 0 or more, or None where it is absent.

        :raises Refusal: if it is less, or more than the ledger holds.
        """
        value = self.take(name, int)
        if value is not None and not 0 <= value < _LIMIT:
            raise Refusal(f"{name} must be between 0 and {_LIMIT - 1}")
        return value

    def count(self, name: str) -> int:
        """Return how often something is to be done: once where it is not said.

        :raises Refusal: if it is negative.
        """
        value = self.take_count(name)
        return 1 if value is None else value

    def rest(self) -> dict[str, Any]:
        """Return what was not taken."""
        rest, self._left = self._left, {}
        return rest

    def finish(self) -> None:
        """Check that nothing is left.

        :raises Refusal: if something is.
        """
        if self._left:
            raise Refusal(f"Unknown fields: {', '.join(sorted(self._left))}")

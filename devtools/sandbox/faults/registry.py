"""Faults by name. A new one is a function under `@fault`; its keyword arguments are what a script may set."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from devtools.sandbox.refusals import Refusal
from devtools.sandbox.web.messages import Answer
from devtools.sandbox.web.wire import Wire


@dataclass(frozen=True)
class Exchange:
    """One call that goes wrong: `perform` does what was asked and returns the honest answer."""

    perform: Callable[[], Answer]
    wire: Wire


# Returns what is answered, or None if the connection is to end without another byte.
Fault: TypeAlias = Callable[..., Answer | None]

FAULTS: Final[dict[str, Fault]] = {}


def fault(function: Fault) -> Fault:
    """Make a function known under its name."""
    FAULTS[function.__name__] = function
    return function


def check_fault(name: object, options: Mapping[str, Any], *, among: Mapping[str, Callable[..., Any]]) -> None:
    """Check that there is such a fault `among` those that fit, and that it takes such options.

    :raises Refusal: if not.
    """
    if name not in among:
        raise Refusal(f"Unknown fault {name!r}; there are {', '.join(sorted(among))}")
    allowed = {
        parameter.name: type(parameter.default)
        for parameter in inspect.signature(among[str(name)]).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for option, value in options.items():
        if option not in allowed:
            raise Refusal(f"{name} has no option {option!r}; it has {', '.join(sorted(allowed)) or 'none'}")
        if not isinstance(value, allowed[option]) and not (allowed[option] is float and isinstance(value, int)):
            raise Refusal(f"{option} of {name} must be of type {allowed[option].__name__}")

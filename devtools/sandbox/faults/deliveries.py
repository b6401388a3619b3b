"""Faults of the sending of events; options as in the other faults."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True)
class Sending:
    """How an event is sent: how often, how much later, and whether only after the next event of its payment."""

    times: int
    wait_seconds: float = 0.0
    is_held: bool = False


DeliveryFault: TypeAlias = Callable[..., Sending]

DELIVERY_FAULTS: Final[dict[str, DeliveryFault]] = {}


def delivery_fault(function: DeliveryFault) -> DeliveryFault:
    """Make a function known under its name."""
    DELIVERY_FAULTS[function.__name__] = function
    return function


@delivery_fault
def never_sent(_times: int) -> Sending:
    """Tell nobody; it can still be sent by hand."""
    return Sending(times=0)


@delivery_fault
def sent_late(times: int, *, seconds: float = 30.0) -> Sending:
    """Tell it later."""
    return Sending(times=times, wait_seconds=seconds)


@delivery_fault
def sent_again(times: int, *, copies: int = 2) -> Sending:
    """Tell it so many times, all at once."""
    return Sending(times=times * copies)


@delivery_fault
def sent_after_next(times: int) -> Sending:
    """Tell it only after the next event of the same payment was told."""
    return Sending(times=times, is_held=True)

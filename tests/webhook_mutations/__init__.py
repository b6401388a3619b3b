"""Odd webhook deliveries without end: real ones, each changed as some client, proxy or attacker might.

A delivery follows from its seed and index alone, so that what failed once can be made again:
`make_delivery(seed, index)`.
"""

from typing import Final

from tests.webhook_mutations.deliveries import LIMIT_BYTES, Delivery, make_delivery
from tests.webhook_mutations.signatures import KEYS, PREVIOUS_KEY

# How many the suite sends each time, and how many a proof sends.
USUAL: Final = 10_000
PROOF: Final = 200_000

__all__ = ["KEYS", "LIMIT_BYTES", "PREVIOUS_KEY", "PROOF", "USUAL", "Delivery", "make_delivery"]

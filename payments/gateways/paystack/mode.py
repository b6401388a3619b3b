"""Live or test: one host serves both, the key decides (https://paystack.com/docs/api/authentication)."""

from typing import Literal


def get_domain(secret_key: str) -> Literal["live", "test"]:
    """Return the domain that transactions under `secret_key` carry.

    Anything but a live key counts as test: evidence of real money is then refused, never the reverse.
    """
    return "live" if secret_key.startswith("sk_live_") else "test"

"""How Paystack signs what it sends (https://paystack.com/docs/payments/webhooks/#signature-validation)."""

import hashlib
import hmac
from typing import Final

HEADER: Final = "x-paystack-signature"


def sign(body: bytes, *, secret_key: str) -> str:
    """Return the signature of a body, byte for byte, under the secret key of the mode."""
    return hmac.new(secret_key.encode(), body, hashlib.sha512).hexdigest()

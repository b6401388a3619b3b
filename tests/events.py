"""Webhook bodies as Paystack sends them, and their signatures."""

import hashlib
import hmac
import json
from typing import Any

SECRET_KEY = "sk_test_local_simulator_key"


def charge_success(*, reference: str, amount_minor: int, transaction_id: int, **changes: Any) -> bytes:
    transaction = {
        "id": transaction_id,
        "domain": "test",
        "status": "success",
        "reference": reference,
        "amount": amount_minor,
        "requested_amount": amount_minor,
        "currency": "NGN",
        "fees": 1500,
        "channel": "card",
        "gateway_response": "Successful",
        "paid_at": "2026-11-21T10:00:00.000Z",
        "metadata": "",
        **changes,
    }
    return json.dumps({"event": "charge.success", "data": transaction}).encode()


def sign(raw: bytes, *, key: str = SECRET_KEY) -> str:
    return hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()

"""An API client and the gateway's deliveries, over real HTTP."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.events import sign
from tests.processes.product import WEBHOOK_PATH


@dataclass(frozen=True)
class Timed:
    status: int
    seconds: float
    body: dict[str, Any]


class Client:
    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=30, trust_env=False
        )

    def initialize(self, *, amount_usd: str = "25.00", key: str | None = None) -> dict[str, Any]:
        answer = self.post_initialize(amount_usd=amount_usd, key=key)
        assert answer.status == 201, answer
        return answer.body

    def post_initialize(self, *, amount_usd: str = "25.00", key: str | None = None) -> Timed:
        return self._post(
            "/api/v1/payments/initialize",
            {"amount_usd": amount_usd, "currency": "NGN"},
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
        )

    def verify(self, reference: str) -> Timed:
        return self._post("/api/v1/payments/verify", {"reference": reference})

    def balance(self) -> str:
        return self._http.get("/api/v1/billing/balance").json()["balance"]

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Timed:
        started = time.monotonic()
        answer = self._http.post(path, json=body, headers=headers)
        return Timed(answer.status_code, time.monotonic() - started, answer.json())


# One client for all: making a TLS context for each would be most of what is measured.
_gateway = httpx.Client(limits=httpx.Limits(max_connections=None), timeout=30, trust_env=False)


def deliver(url: str, raw: bytes) -> Timed:
    """Deliver a signed webhook, as Paystack does."""
    started = time.monotonic()
    answer = _gateway.post(
        f"{url}{WEBHOOK_PATH}",
        content=raw,
        headers={"x-paystack-signature": sign(raw), "content-type": "application/json"},
    )
    return Timed(answer.status_code, time.monotonic() - started, answer.json())

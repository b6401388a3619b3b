"""One purchase through HTTP, as a client, a payer and Paystack make it."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from devtools.workflow.errors import WorkflowError
from devtools.workflow.http_client import Answer, Client

AMOUNT_USD = "25.00"
DELIVERIES = 3
_VERIFICATIONS = 2
_CREDIT_SECONDS = 30.0
_POLL_SECONDS = 0.5
_OK = 200
_CREATED = 201


@dataclass(frozen=True)
class Purchase:
    """What was bought and what stands in the ledger for it."""

    reference: str
    balance_before: Decimal
    balance_after: Decimal
    credited: Decimal
    credits_found: int

    @property
    def credited_once(self) -> bool:
        """Say whether exactly one credit stands, of the right amount, and the balance shows it and nothing more."""
        gained = self.balance_after - self.balance_before
        return self.credits_found == 1 and self.credited == gained == Decimal(AMOUNT_USD)


def take(product: Client, sandbox: Client, say: Callable[[str], None]) -> Purchase:
    """Buy credits, have the webhook delivered three times, verify twice, and read the ledger.

    :raises WorkflowError: if a step is refused or the credit does not come.
    """
    before = _balance(product)
    say(f"balance before                 {before} USD")
    started = _initialize(product)
    reference: str = started["reference"]
    say(f"POST payments/initialize       {reference}")
    say(f"checkout page                  {started['authorization_url']}")
    _pay(sandbox, reference)
    say(f"paid on the checkout page      signed webhook delivered {DELIVERIES} times")
    for _ in range(_VERIFICATIONS):
        state = _body(product.post("/api/v1/payments/verify", {"reference": reference}), _OK)["state"]
        say(f"POST payments/verify           {state}")
    after = _wait_for_credit(product, before)
    credits_found = _credits(product, reference)
    say(f"credits in the ledger          {len(credits_found)}")
    say(f"balance after                  {after} USD")
    return Purchase(reference, before, after, sum(credits_found, Decimal(0)), len(credits_found))


def _initialize(product: Client) -> Any:
    answer = product.post(
        "/api/v1/payments/initialize", {"amount_usd": AMOUNT_USD}, {"Idempotency-Key": str(uuid.uuid4())}
    )
    return _body(answer, _CREATED)


def _pay(sandbox: Client, reference: str) -> None:
    order = {"reference": reference, "outcome": "success", "deliveries": DELIVERIES}
    _body(sandbox.post("/sandbox/pay", order), _OK)


def _balance(product: Client) -> Decimal:
    return Decimal(_body(product.get("/api/v1/billing/balance"), _OK)["balance"])


def _wait_for_credit(product: Client, before: Decimal) -> Decimal:
    deadline = time.monotonic() + _CREDIT_SECONDS
    while (balance := _balance(product)) == before:
        if time.monotonic() > deadline:
            raise WorkflowError(f"Nothing was credited in {_CREDIT_SECONDS:.0f} s: see .local/logs/worker.log")
        time.sleep(_POLL_SECONDS)
    return balance


def _credits(product: Client, reference: str) -> list[Decimal]:
    """Return the amounts credited for the payment; it is the newest, so the first page has it."""
    rows = _body(product.get("/api/v1/billing/transactions?type=credit&page_size=200"), _OK)["results"]
    return [Decimal(row["amount"]) for row in rows if row["payment_reference"] == reference]


def _body(answer: Answer, expected_status: int) -> Any:
    if answer.status != expected_status:
        raise WorkflowError(f"The purchase got {answer.status} instead of {expected_status}: {answer.body}")
    return answer.body

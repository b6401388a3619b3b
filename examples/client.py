"""Calls of the API, sent until there is an answer.

What moves money is sent under one Idempotency-Key, and again under the same key when it fails.
So it happens once, however often it was sent.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Self
from uuid import UUID, uuid4

import httpx

from .answers import Balance, PostedTransaction, Purchase, Quote, Refund, Transaction, Verification
from .errors import NO_ANSWER, ApiError

# Longer than the 60 s after which a request takes over from one that died under the same key.
TOTAL_SECONDS: Final = 90.0
# A call of Paystack takes the API up to 25 s; a repetition that needs two is met again under the same key.
ATTEMPT_SECONDS: Final = 30.0
SHORTEST_ATTEMPT_SECONDS: Final = 0.1
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 8.0
LARGEST_PAGE: Final = 200


class Client:
    """The API for one API key. A call gives up after `total_seconds`, however often it was sent.

    `key` is the Idempotency-Key of an operation that is to survive a crash of the caller: store it
    first, and give it again to go on. Without one, each call is a new operation.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        total_seconds: float = TOTAL_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {api_key}"})
        self._total_seconds = total_seconds
        self._sleep = sleep
        self._clock = clock

    def quote(self, amount_usd: Decimal, *, currency: str) -> Quote:
        """Return what credits for `amount_usd` cost in `currency` now; nothing is reserved."""
        query = {"amount_usd": _write(amount_usd), "currency": currency}
        return Quote.read(self._call("GET", "/payments/quote", params=query))

    def initialize(
        self, amount_usd: Decimal, *, currency: str, callback_url: str | None = None, key: UUID | None = None
    ) -> Purchase:
        """Begin a purchase; the payer pays on its page and is sent on to `callback_url`."""
        body = {"amount_usd": _write(amount_usd), "currency": currency, "callback_url": callback_url}
        return Purchase.read(self._move_money("/payments/initialize", body, key))

    def verify(self, reference: str) -> Verification:
        """Return what became of a purchase; one that was paid is credited by now."""
        return Verification.read(self._call("POST", "/payments/verify", json={"reference": reference}))

    def refund(
        self, reference: str, *, reason: str, amount_usd: Decimal | None = None, key: UUID | None = None
    ) -> Refund:
        """Send `amount_usd` of a payment back to its payer, or without it all that is left."""
        body = {"reason": reason, "amount_usd": None if amount_usd is None else _write(amount_usd)}
        return Refund.read(self._move_money(f"/payments/{reference}/refunds", body, key))

    def refunds(self, reference: str) -> list[Refund]:
        """Return the refunds of a payment as they are now, oldest first."""
        return [Refund.read(row) for row in self._call("GET", f"/payments/{reference}")["refunds"]]

    def balance(self) -> Balance:
        """Return what the user of the API key has."""
        return Balance.read(self._call("GET", "/billing/balance"))

    def transactions(self, **filters: str) -> Iterator[Transaction]:
        """Yield the ledger, newest first; filters are type, reference, created_after and created_before."""
        query: Mapping[str, str] | None = {"page_size": str(LARGEST_PAGE), **filters}
        while query is not None:
            page = self._call("GET", "/billing/transactions", params=query)
            yield from (Transaction.read(row) for row in page["results"])
            # The query of the link is all that is followed: the API key goes to no other host.
            query = httpx.URL(page["next"]).params if page["next"] else None

    def debit(
        self,
        user_id: int,
        amount: Decimal,
        *,
        reference: str,
        service: str,
        description: str | None = None,
        key: UUID | None = None,
    ) -> PostedTransaction:
        """Take credits from a user for a service; `reference` is the caller's own and used once."""
        what = {"reference": reference, "service": service, "description": description}
        body = {"user_id": user_id, "amount": _write(amount), **what}
        return PostedTransaction.read(self._move_money("/billing/debits", body, key))

    def reverse(
        self, reference: str, *, reason: str, amount: Decimal | None = None, key: UUID | None = None
    ) -> PostedTransaction:
        """Give back `amount` of the debit under `reference`, or without it all that is left."""
        body = {"reason": reason, "amount": None if amount is None else _write(amount)}
        return PostedTransaction.read(self._move_money(f"/billing/debits/{reference}/reverse", body, key))

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _move_money(self, path: str, body: Mapping[str, Any], key: UUID | None) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if value is not None}
        return self._call("POST", path, json=given, key=key or uuid4())

    def _call(self, method: str, path: str, *, key: UUID | None = None, **content: Any) -> dict[str, Any]:
        """Return the body of the answer.

        :raises ApiError: if the API refused, or could still not do it when the time was up. Its `key` is
            the one to call again with: another one would be another operation.
        """
        headers = {} if key is None else {"Idempotency-Key": str(key)}
        deadline = self._clock() + self._total_seconds
        longest_pause = FIRST_PAUSE_SECONDS
        while True:
            seconds_left = max(deadline - self._clock(), SHORTEST_ATTEMPT_SECONDS)
            try:
                return self._send(method, path, headers=headers, timeout=min(seconds_left, ATTEMPT_SECONDS), **content)
            except ApiError as error:
                # Spread, so that all the clients that one outage met do not come back at once.
                pause = error.retry_after_seconds + random.uniform(0, longest_pause)  # noqa: S311 -- guards no secret
                error.key = key
                if not error.is_temporary or self._clock() + pause >= deadline:
                    raise
            self._sleep(pause)
            longest_pause = min(2 * longest_pause, LONGEST_PAUSE_SECONDS)

    def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.RequestError as error:
            raise ApiError(NO_ANSWER, 0, str(error) or type(error).__name__) from error
        body = _read_object(answer)
        if answer.is_success and body is not None:
            return body
        raise ApiError.read(answer, body or {})


def _write(amount: Decimal) -> str:
    return format(amount, "f")


def _read_object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None

"""An API client on Django's test client: the whole middleware stack, no socket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.events import charge_success, sign
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

PAYMENTS = "/api/v1/payments"
BILLING = "/api/v1/billing"
INITIALIZE = f"{PAYMENTS}/initialize"
VERIFY = f"{PAYMENTS}/verify"
QUOTE = f"{PAYMENTS}/quote"
BALANCE = f"{BILLING}/balance"
TRANSACTIONS = f"{BILLING}/transactions"
SUMMARY = f"{BILLING}/summary"
DEBITS = f"{BILLING}/debits"
LIMITS = "/api/v1/limits"
IDEMPOTENCY = "/api/v1/idempotency"

# What belongs to the client that the fixture `caller` gives.
OWN_PAYMENT = "nmk-01kqxw5x5zs3y0b5m1s6p7q8r9t0v1w2x3y4"
OWN_DEBIT = "sms-1"
OWN_KEY = "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"


class ApiClient:
    """One user's client with a key of its own."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user or UserFactory()
        _, self.secret = make_api_key(self.user)
        self.http = Client(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.http.get(path, query, headers=self._headers())

    def post(self, path: str, body: Any, *, key: Any = None, **headers: str) -> HttpResponse:
        """Send `body` as JSON, or as it is if it is bytes already."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        return self.http.post(path, raw, content_type="application/json", headers={**self._headers(), **headers})

    def initialize(self, *, key: Any = None, **body: Any) -> HttpResponse:
        return self.post(INITIALIZE, {"amount_usd": "25.00", **body}, key=key or uuid4())

    def verify(self, reference: str) -> HttpResponse:
        return self.post(VERIFY, {"reference": reference})

    def debit(self, user: User, amount: Any = "1.00", *, key: Any = None, **body: Any) -> HttpResponse:
        """Take credits from `user`, as the platform's service account does."""
        wanted = {"user_id": user.pk, "amount": amount, "reference": f"sms-{uuid4()}", "service": "sms", **body}
        return self.post(DEBITS, wanted, key=key or uuid4())

    def reverse(self, reference: str, *, key: Any = None, **body: Any) -> HttpResponse:
        """Give credits of a debit back: all that is left of them unless an `amount` is named."""
        return self.post(f"{DEBITS}/{reference}/reverse", {"reason": "not delivered", **body}, key=key or uuid4())

    def refund(self, reference: str, *, key: Any = None, **body: Any) -> HttpResponse:
        """Send a payment's money back: all that is left of it unless an `amount_usd` is named."""
        return self.post(f"{PAYMENTS}/{reference}/refunds", {"reason": "bought twice", **body}, key=key or uuid4())

    def balance(self) -> str:
        return read(self.get(f"{BILLING}/balance"))["balance"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def allow_refunds(*clients: ApiClient) -> None:
    """Let these users ask for refunds of their payments."""
    permission = Permission.objects.get(codename="request_refund")
    for client in clients:
        client.user.user_permissions.add(permission)


def deliver(reference: str, *, amount_minor: int, transaction_id: int = 4_099_260_516, **changes: Any) -> HttpResponse:
    """Have the gateway announce that `reference` was paid, signed as it signs."""
    raw = charge_success(reference=reference, amount_minor=amount_minor, transaction_id=transaction_id, **changes)
    return Client(raise_request_exception=False).post(
        f"{PAYMENTS}/paystack/webhook",
        raw,
        content_type="application/json",
        headers={"x-paystack-signature": sign(raw)},
    )


def read(answer: HttpResponse) -> Any:
    return json.loads(answer.content)


def problem(answer: HttpResponse) -> tuple[int, str]:
    """Return status and code of a problem, whose form is checked on the way."""
    body = read(answer)
    assert answer["Content-Type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["type"] == f"/api/problems/{body['code']}"
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "code", "request_id"}
    return answer.status_code, body["code"]


def outcome(answer: HttpResponse) -> tuple[int, str | None]:
    """Return status and code; what is no problem has no code, and is JSON all the same."""
    if "problem" in answer["Content-Type"]:
        return problem(answer)
    assert answer["Content-Type"] == "application/json"
    return answer.status_code, None


def field_codes(answer: HttpResponse) -> list[tuple[str, str]]:
    """Return field and code of each error of a refused body."""
    assert problem(answer) == (400, "validation_error")
    return [(error["field"], error["code"]) for error in read(answer)["errors"]]


@dataclass(frozen=True)
class Route:
    """A method and an address that the URL configuration serves, such as `GET /api/v1/payments/<str:reference>`."""

    method: str
    path: str


def list_routes() -> list[Route]:
    """Return every method of every address under /api/v1 for API clients: all but the gateway's own."""
    found = [
        Route(method.upper(), path)
        for path, callback in _walk(get_resolver(), "/")
        if path.startswith("/api/v1/") and hasattr(callback, "cls")
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(callback.cls, method)
    ]
    return sorted(found, key=lambda route: (route.path, route.method))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for part in resolver.url_patterns:
        path = prefix + str(part.pattern)
        if isinstance(part, URLPattern):
            yield path, part.callback
        else:
            yield from _walk(part, path)

"""An API client on Django's test client: the whole middleware stack, no socket."""

import json
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

PAYMENTS = "/api/v1/payments"
BILLING = "/api/v1/billing"
INITIALIZE = f"{PAYMENTS}/initialize"
VERIFY = f"{PAYMENTS}/verify"


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

    def balance(self) -> str:
        return read(self.get(f"{BILLING}/balance"))["balance"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


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


def field_codes(answer: HttpResponse) -> list[tuple[str, str]]:
    """Return field and code of each error of a refused body."""
    assert problem(answer) == (400, "validation_error")
    return [(error["field"], error["code"]) for error in read(answer)["errors"]]

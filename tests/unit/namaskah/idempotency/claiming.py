"""Claiming one key again and again."""

from functools import partial
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from namaskah.idempotency.claims import KeyClaim, StoredAnswer, claim_key

BODY = {"amount_usd": 25, "currency": "NGN"}


class Claimer:
    """One request with one key; what a call is told replaces its parts."""

    def __init__(self, user: User) -> None:
        self._claim = partial(
            claim_key, user=user, key=uuid4(), method="POST", route="/api/v1/payments/initialize", body=BODY
        )

    def __call__(self, **parts: object) -> KeyClaim | StoredAnswer:
        return self._claim(**{"now": timezone.now(), **parts})

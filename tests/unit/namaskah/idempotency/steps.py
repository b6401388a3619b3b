"""Steps of a keyed request that several tests take."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from namaskah.idempotency.claims import KeyClaim, StoredAnswer, claim_key
from namaskah.idempotency.models import IdempotencyKey

ROUTE = "/api/v1/payments/initialize"
BODY = {"amount_usd": Decimal("25.00"), "currency": "NGN"}
LEASE_SECONDS = 60


def claim(user: User, key: UUID | None = None, *, hours: int = 0, **changes: Any) -> KeyClaim | StoredAnswer:
    """Claim the key for a purchase, `hours` from now."""
    request = {"method": "POST", "route": ROUTE, "body": BODY, **changes}
    return claim_key(user=user, key=key or uuid4(), now=timezone.now() + timedelta(hours=hours), **request)


def claiming(user: User, key: UUID) -> Any:
    """Return a claim of the key that is yet to be made."""
    return partial(claim, user, key)


def stay_silent(key: UUID, *, seconds: float) -> None:
    """Have the key's owner have done nothing for so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idempotency_keys SET locked_at = locked_at - make_interval(secs => %s) WHERE key = %s",
            [seconds, key],
        )


def read(key: UUID) -> IdempotencyKey:
    return IdempotencyKey.objects.get(key=key)

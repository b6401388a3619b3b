"""What the endpoints about a client's own limits and keys say of themselves."""

from typing import Final

from namaskah.idempotency.models import ROUTE_LENGTH, RecoveryPoint
from namaskah.openapi.operations import Operation
from namaskah.openapi.shapes import COUNT, MOMENT, UUID, Shape, described, list_of, members, nullable, one_of, text

_TAG: Final = "Client"
_LIMIT: Final = members(
    {
        "name": one_of(["initialize", "verify", "reads", "writes"]),
        "limit": described(COUNT, "The requests that are allowed in a window."),
        "window_seconds": {"type": "integer", "minimum": 1},
        "used": described(COUNT, "The requests of this window so far, at most `limit`."),
        "remaining": described(COUNT, "The requests that are left in it."),
        "resets_in_seconds": {"type": "integer", "minimum": 1, "description": "Until the limit is whole again."},
    }
)
_LIMITS: Final = Shape("Limits", members({"limits": {**list_of(_LIMIT), "minItems": 4, "maxItems": 4}}))
_KEY: Final = Shape(
    "IdempotencyKey",
    members(
        {
            "key": UUID,
            "method": one_of(["POST"]),
            "route": text(max_length=ROUTE_LENGTH, examples=["/api/v1/payments/initialize"]),
            "state": one_of(
                ["open", "in_progress", "finished", "expired"],
                description=(
                    "What happens if the request comes again. `open`: it is done, or goes on where it stopped. "
                    "`in_progress`: it waits for the first one. `finished`: it gets the first answer. `expired`: it is "
                    "refused if the first one made something."
                ),
            ),
            "recovery_point": one_of(RecoveryPoint.values, description="How far the first request came."),
            "resource": text(max_length=100, description="The reference of what it made; or empty."),
            "response_status": nullable({"type": "integer", "minimum": 200, "maximum": 599}),
            "replays": described(COUNT, "How often its answer was given again."),
            "created_at": MOMENT,
            "expires_at": MOMENT,
        }
    ),
)

LIMITS: Final = Operation(
    id="list_limits",
    tag=_TAG,
    summary="Show your limits",
    description="What you may send in a minute, and what is left of it. This request counts as a read.",
    answer=_LIMITS,
    example={
        "limits": [
            {
                "name": name,
                "limit": limit,
                "window_seconds": 60,
                "used": used,
                "remaining": limit - used,
                "resets_in_seconds": seconds,
            }
            for name, limit, used, seconds in (
                ("initialize", 5, 1, 37),
                ("verify", 10, 0, 60),
                ("reads", 120, 3, 12),
                ("writes", 60, 0, 60),
            )
        ]
    },
)
KEY: Final = Operation(
    id="get_idempotency_key",
    tag=_TAG,
    summary="Show one of your idempotency keys",
    description="How far your request with this key came. Its answer is not shown: repeat the request to get it.",
    path={"key": described(UUID, "The key, as you sent it.")},
    answer=_KEY,
    example={
        "key": "0b9f2c6e-6a0e-4a55-9a3e-2f1d1c0b7a11",
        "method": "POST",
        "route": "/api/v1/payments/initialize",
        "state": "finished",
        "recovery_point": "finished",
        "resource": "nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p",
        "response_status": 201,
        "replays": 0,
        "created_at": "2026-11-21T10:00:00Z",
        "expires_at": "2026-11-24T10:00:00Z",
    },
    problems=("idempotency_key_invalid", "not_found"),
)

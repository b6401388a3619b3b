"""Steps of refunds and disputes through raw SQL."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from payments.lifecycles import RefundState
from payments.models import Dispute, Refund
from tests.unit.billing.models.raw_sql import update
from tests.unit.payments.models.steps import entry

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
_KNOWN_THERE = (RefundState.SUBMITTED, RefundState.PROCESSED)
_numbers = count(18_633_000)


def born(state: RefundState) -> dict[str, Any]:
    """Return what a refund born in `state` must say of itself."""
    return {"state": state, **({"gateway_refund_id": next(_numbers)} if state in _KNOWN_THERE else {})}


def change(row: Refund | Dispute, **columns: Any) -> None:
    """Update columns as the rules ask for: with the next version."""
    update(row, **{"lock_version": row.lock_version + 1} | columns)
    row.refresh_from_db()


def move(row: Refund | Dispute, state: str | None, **columns: Any) -> None:
    """Take a step with its entry in the trail; `columns` go beside them, or in their place."""
    trail = json.dumps([*row.state_transitions, entry(row.state, str(state))])
    change(row, **{"state": state, "state_transitions": trail} | columns)


def move_refund(refund: Refund, state: str | None, **columns: Any) -> None:
    """Take a step with all that belongs to it."""
    needed: Mapping[str, Any] = {}
    if state in _KNOWN_THERE and refund.gateway_refund_id is None:
        needed = {"gateway_refund_id": next(_numbers)}
    move(refund, state, **needed, **columns)


def walk(refund: Refund, route: Iterable[RefundState]) -> None:
    for state in route:
        move_refund(refund, state)

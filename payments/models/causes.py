"""Who or what moved a payment, a refund or a dispute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Cause:
    """Stands in the audit trail beside each transition.

    `source` is a `TransitionSource`, `by` a user name (empty: no person), `reason` a short code.
    """

    source: str
    by: str = ""
    event_id: UUID | None = None
    request_id: str = ""

    def as_entry(self, *, from_state: str | None, to_state: str, reason: str, now: datetime) -> dict[str, Any]:
        """Return the entry of `state_transitions` that tells this step."""
        return {
            "from": from_state,
            "to": to_state,
            "at": now.isoformat().replace("+00:00", "Z"),
            "by": self.by,
            "source": self.source,
            "reason": reason,
            "event_id": str(self.event_id) if self.event_id else None,
            "request_id": self.request_id,
        }

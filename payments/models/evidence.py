"""What the gateway said about one transaction."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gateway said about one transaction, and nothing of its metadata.

    Amounts are in the currency's subunit. Every text is safe for Postgres. What could not be
    read is None.
    """

    reference: str
    status: str
    domain: str
    currency: str
    amount_minor: int | None
    requested_amount_minor: int | None
    fees_minor: int | None
    gateway_transaction_id: int | None
    channel: str
    paid_at: datetime | None
    gateway_response: str

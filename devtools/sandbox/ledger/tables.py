"""What is known of payments, refunds, disputes and events, each row as it stands now."""

from dataclasses import dataclass
from typing import Final

from devtools.sandbox.ledger.database import Table


@dataclass(frozen=True, slots=True)
class Customer:
    """Whoever pays under an e-mail address."""

    id: int
    email: str

    @property
    def code(self) -> str:
        """Paystack's own name for the customer."""
        return f"CUS_{self.id:015x}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment page; `metadata` is JSON, `attempts` counts what the payer tried."""

    id: int
    reference: str
    access_code: str
    domain: str
    status: str
    customer_id: int
    email: str
    currency: str
    requested_amount_minor: int
    amount_minor: int
    fees_minor: int | None
    channel: str
    channels: str
    metadata: str
    callback_url: str
    gateway_response: str
    ip_address: str | None
    attempts: int
    errors: int
    created_at: str
    paid_at: str | None

    @property
    def customer(self) -> Customer:
        """Whoever pays."""
        return Customer(self.customer_id, self.email)

    @property
    def is_paid(self) -> bool:
        """Whether money came, be it on its way back."""
        return self.paid_at is not None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back."""

    id: int
    transaction_id: int
    reference: str
    status: str
    currency: str
    amount_minor: int
    refund_reference: str | None
    customer_note: str
    merchant_note: str
    created_at: str
    updated_at: str
    refunded_at: str | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payer who wants the money back through the bank."""

    id: int
    transaction_id: int
    reference: str
    status: str
    resolution: str | None
    category: str
    currency: str
    refund_amount_minor: int
    complaint: str
    reply: str | None
    due_at: str
    created_at: str
    updated_at: str
    resolved_at: str | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is sent each time: the same bytes, the same signature."""

    id: int
    reference: str
    event: str
    body: bytes
    signature: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at delivering an event; no `status` means that no answer came, and `error` says why."""

    id: int
    event_id: int
    reference: str
    event: str
    delivery: str
    number: int
    started_at: str
    status: int | None
    milliseconds: float
    error: str


customers: Final = Table("customers", Customer, unique=["email"])
transactions: Final = Table("transactions", Transaction, unique=["reference", "access_code"], indexed=["created_at"])
refunds: Final = Table("refunds", Refund, indexed=["transaction_id"])
disputes: Final = Table("disputes", Dispute, indexed=["transaction_id"])
events: Final = Table("events", StoredEvent, indexed=["reference"])
attempts: Final = Table("attempts", Attempt, indexed=["reference"])

ALL: Final = (customers, transactions, refunds, disputes, events, attempts)

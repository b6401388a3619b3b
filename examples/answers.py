"""What the API answers: amounts as Decimal, times as aware datetimes, ids as UUIDs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Self
from uuid import UUID

_READERS: Final[dict[Any, Callable[[str], Any]]] = {
    Decimal: Decimal,
    UUID: UUID,
    datetime: datetime.fromisoformat,
    datetime | None: datetime.fromisoformat,
}


@dataclass(frozen=True)
class Answer:
    """The base of all answers."""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Take the members that the class names: the API may add others at any time."""
        return cls(**{field.name: _convert(field.type, body[field.name]) for field in fields(cls)})


def _convert(kind: Any, value: Any) -> Any:
    reader = _READERS.get(kind)
    return value if reader is None or value is None else reader(value)


@dataclass(frozen=True)
class Quote(Answer):
    """What a purchase would cost now."""

    amount_usd: Decimal
    credits: Decimal
    currency: str
    amount_minor: int
    exchange_rate: Decimal


@dataclass(frozen=True)
class Purchase(Quote):
    """A purchase that was begun; it has no page where nothing is left to pay."""

    payment_id: UUID
    reference: str
    authorization_url: str | None
    access_code: str | None
    state: str
    created_at: datetime


@dataclass(frozen=True)
class Verification(Answer):
    """What became of a purchase: `status` is success, pending or failed."""

    reference: str
    status: str
    state: str
    amount_credited: Decimal
    new_balance: Decimal
    message: str


@dataclass(frozen=True)
class Refund(Answer):
    """Money of a payment on its way back; `state` is its own, and ends at processed, failed or rejected."""

    refund_id: UUID
    reference: str
    payment_reference: str
    state: str
    amount_usd: Decimal
    amount_minor: int
    currency: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class Balance(Answer):
    """What the wallet holds; `available` can be spent."""

    balance: Decimal
    held: Decimal
    available: Decimal
    currency: str
    updated_at: datetime | None


@dataclass(frozen=True)
class Transaction(Answer):
    """One entry of the ledger; what was spent is negative, and `reverses` the reference of a debit given back."""

    id: UUID
    type: str
    amount: Decimal
    balance_after: Decimal
    reference: str
    description: str
    service: str
    payment_reference: str | None
    reverses: str | None
    status: str
    created_at: datetime


@dataclass(frozen=True)
class PostedTransaction(Transaction):
    """An entry as the service account that made it sees it."""

    user_id: int

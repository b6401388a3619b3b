"""What the answers of the billing API look like."""

from typing import Final

from billing.lifecycles import TransactionType
from namaskah.identifiers import PAYMENT_PREFIX
from namaskah.openapi.shapes import (
    COUNT,
    CREDITS,
    MOMENT,
    UUID,
    Schema,
    Shape,
    described,
    members,
    nullable,
    one_of,
    reference,
    text,
)

REFERENCE: Final = text(pattern="^[A-Za-z0-9._-]{1,64}$", examples=["order-1001"])
_ENTRY: Final[dict[str, Schema]] = {
    "id": UUID,
    "type": one_of(TransactionType.values),
    "amount": described(CREDITS, "What came into the wallet, or left it: then it is negative."),
    "balance_after": described(CREDITS, "What the wallet had afterwards."),
    "reference": REFERENCE,
    "description": text(max_length=300),
    "service": text(max_length=100),
    "payment_reference": nullable(reference(PAYMENT_PREFIX), description="The payment that it is about, if any."),
    "reverses": nullable(REFERENCE, description="The reference of the debit that it gives back, if it is a reversal."),
    "status": one_of(
        ["completed", "partly_reversed", "reversed"], description="Whether a debit was given back, in part or whole."
    ),
    "created_at": MOMENT,
}

BALANCE: Final = Shape(
    "Balance",
    members(
        {
            "balance": CREDITS,
            "held": described(CREDITS, "What is set aside, for example for a refund under way."),
            "available": described(CREDITS, "What can be spent: the balance without what is held."),
            "currency": one_of(["USD"]),
            "updated_at": nullable(MOMENT, description="Null for a wallet that nothing has come into yet."),
        }
    ),
)
ENTRY: Final = Shape("LedgerEntry", members(_ENTRY))
POSTED: Final = Shape(
    "PostedEntry", members({**_ENTRY, "user_id": {"type": "integer", "minimum": 1, "description": "Whose wallet."}})
)
SUMMARY: Final = Shape(
    "Summary",
    members(
        {
            "days": {"type": "integer", "minimum": 1, "maximum": 366},
            "from": MOMENT,
            "to": MOMENT,
            "credited": described(CREDITS, "What was bought."),
            "spent": described(CREDITS, "What debits took."),
            "refunded": described(CREDITS, "What refunds took back."),
            "reversed": described(CREDITS, "What was given back of debits."),
            "adjusted": described(CREDITS, "What corrections brought, or took: then it is negative."),
            "count": members(dict.fromkeys(TransactionType.values, COUNT)),
        }
    ),
)

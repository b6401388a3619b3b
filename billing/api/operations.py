"""What the endpoints of billing say of themselves in the API's description."""

from typing import Any, Final

from billing.api import shapes
from billing.api.serializers import SummaryQuery, TransactionQuery
from namaskah.openapi.operations import Operation

_TAG: Final = "Billing"
_MOMENT: Final = "2026-11-21T10:00:00Z"
_CREDIT: Final[dict[str, Any]] = {
    "id": "019aa5c3-8f10-7c21-9b7e-5d2a4e6f8a90",
    "type": "credit",
    "amount": "25.00",
    "balance_after": "125.00",
    "reference": "nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p",
    "description": "",
    "service": "",
    "payment_reference": "nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p",
    "reverses": None,
    "status": "completed",
    "created_at": _MOMENT,
}
_DEBIT: Final = {
    **_CREDIT,
    "type": "debit",
    "amount": "-0.1250",
    "balance_after": "124.8750",
    "reference": "order-1001",
    "description": "One message to Lagos",
    "service": "sms",
    "payment_reference": None,
    "user_id": 4711,
}
_REVERSAL: Final = {
    **_DEBIT,
    "type": "reversal",
    "amount": "0.1250",
    "balance_after": "125.00",
    "reference": "rvs-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p",
    "description": "The message was not delivered",
    "reverses": "order-1001",
}

BALANCE: Final = Operation(
    id="get_balance",
    tag=_TAG,
    summary="Show your balance",
    description="A user who never bought anything has nothing, which is an answer too.",
    answer=shapes.BALANCE,
    example={"balance": "125.00", "held": "0.00", "available": "125.00", "currency": "USD", "updated_at": _MOMENT},
)
LIST: Final = Operation(
    id="list_transactions",
    tag=_TAG,
    summary="List your ledger",
    description="Every movement of your credits, newest first. Entries never change; a correction is a new one.",
    query=TransactionQuery,
    answer=shapes.ENTRY,
    example=_CREDIT,
)
SUMMARY: Final = Operation(
    id="summarize_transactions",
    tag=_TAG,
    summary="Add up your ledger",
    description="Totals of the last days, up to now.",
    query=SummaryQuery,
    answer=shapes.SUMMARY,
    example={
        "days": 30,
        "from": "2026-10-22T10:00:00Z",
        "to": _MOMENT,
        "credited": "125.00",
        "spent": "0.1250",
        "refunded": "0.00",
        "reversed": "0.1250",
        "adjusted": "0.00",
        "count": {"credit": 2, "debit": 1, "refund": 0, "reversal": 1, "adjustment": 0},
    },
)
DEBIT: Final = Operation(
    id="debit_wallet",
    tag=_TAG,
    summary="Take credits from a user's wallet",
    description=(
        "For the service account of a platform: pays for a service that a user has used. All of it is taken, or "
        "nothing. `reference` is yours, and stands for one debit for ever."
    ),
    request={
        "user_id": 4711,
        "amount": "0.125",
        "reference": "order-1001",
        "service": "sms",
        "description": "One message to Lagos",
    },
    answer=shapes.POSTED,
    example=_DEBIT,
    status=201,
    problems=("insufficient_credits", "user_not_found", "reference_used", "reference_reserved"),
)
REVERSE: Final = Operation(
    id="reverse_debit",
    tag=_TAG,
    summary="Give credits back",
    description=(
        "For a debit of yours whose service was not served. All that is left of it is given back unless `amount` says "
        "less; over any number of calls it is never more than was taken."
    ),
    path={"reference": shapes.REFERENCE},
    request={"reason": "The message was not delivered"},
    answer=shapes.POSTED,
    example=_REVERSAL,
    status=201,
    problems=("not_found", "reversal_exceeds_debit"),
)

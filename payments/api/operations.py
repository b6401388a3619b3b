"""What the endpoints of payments say of themselves in the API's description."""

from typing import Any, Final

from namaskah.openapi.operations import Operation
from payments.api import shapes
from payments.api.serializers import PaymentQuery, QuoteQuery, VerifyInput

_TAG: Final = "Payments"
_REFERENCE: Final = "nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p"
_PRICE: Final = ("amount_too_small", "currency_not_available", "exchange_rate_stale")
_QUOTE: Final = {
    "amount_usd": "25.00",
    "credits": "25.00",
    "currency": "NGN",
    "amount_minor": 4125000,
    "exchange_rate": "1650.000000",
}
_BEGUN: Final[dict[str, Any]] = {
    "payment_id": "019aa5c1-5f00-7b3e-8a41-3f1d1c0b7a11",
    "reference": _REFERENCE,
    "authorization_url": "https://checkout.paystack.com/0peioxfhpn",
    "access_code": "0peioxfhpn",
    "state": "processing",
    **_QUOTE,
    "created_at": "2026-11-21T10:00:00Z",
}
_COMPLETED: Final = {
    **_BEGUN,
    "authorization_url": None,
    "access_code": None,
    "state": "completed",
    "amount_credited": "25.00",
}

_REFUND: Final = {
    "refund_id": "019aa5c9-0b40-7a10-9c55-2f6b7d1e4c02",
    "reference": "rfd-01j9zr1h6t4m8x2c5b6n7d8f9g0h1j2k3m4p",
    "payment_reference": _REFERENCE,
    "state": "approved",
    "amount_usd": "10.00",
    "amount_minor": 1650000,
    "currency": "NGN",
    "reason": "Bought too many",
    "created_at": "2026-11-21T11:00:00Z",
}

INITIALIZE: Final = Operation(
    id="initialize_payment",
    tag=_TAG,
    summary="Begin a purchase",
    description=(
        "Fixes the price, and opens a checkout page at Paystack. Send the payer to `authorization_url`, and call "
        "verify when they come back.\n\n"
        "`callback_url` must be on a host that the operator of this service has allowed. If the purchase of this key "
        "turns out to be paid already, `state` is `completed` and there is no page."
    ),
    request={"amount_usd": "25.00", "currency": "NGN"},
    answer=shapes.INITIALIZED,
    example=_BEGUN,
    status=201,
    problems=(
        *_PRICE,
        "email_required",
        "gateway_rejected",
        "gateway_unavailable",
        "gateway_misconfigured",
        "gateway_outcome_unknown",
        "payment_busy",
    ),
)
VERIFY: Final = Operation(
    id="verify_payment",
    tag=_TAG,
    summary="Ask what became of a payment",
    description=(
        "Asks Paystack, credits the payment if it was paid, and answers what is now true. It may be called any number "
        "of times: a payment is credited once."
    ),
    body=VerifyInput,
    request={"reference": _REFERENCE},
    answer=shapes.VERIFIED,
    example={
        "reference": _REFERENCE,
        "status": "success",
        "state": "completed",
        "amount_credited": "25.00",
        "new_balance": "125.00",
        "message": "Payment verified and credited",
    },
    may_have_key=True,
    problems=("payment_not_found", "payment_busy", "gateway_unavailable", "gateway_misconfigured"),
)
QUOTE: Final = Operation(
    id="quote_payment",
    tag=_TAG,
    summary="Ask what a purchase costs",
    description="Tells the price at the exchange rate of now. Nothing is reserved: initialize fixes its own.",
    query=QuoteQuery,
    answer=shapes.QUOTED,
    example=_QUOTE,
    problems=_PRICE,
)
LIST: Final = Operation(
    id="list_payments",
    tag=_TAG,
    summary="List your payments",
    description="Newest first. Follow `next` to the older ones.",
    query=PaymentQuery,
    answer=shapes.LISTED,
    example=_COMPLETED,
)
SHOW: Final = Operation(
    id="get_payment",
    tag=_TAG,
    summary="Show one payment with its story",
    description="What is stored is shown; Paystack is not asked. Verify does that.",
    path={"reference": shapes.REFERENCE},
    answer=shapes.DETAILED,
    example={
        **_COMPLETED,
        "state_transitions": [
            {
                "from": None,
                "to": "pending",
                "at": "2026-11-21T10:00:00Z",
                "source": "api",
                "reason": "initialized",
            },
            {
                "from": "pending",
                "to": "processing",
                "at": "2026-11-21T10:00:01Z",
                "source": "api",
                "reason": "checkout_opened",
            },
            {
                "from": "processing",
                "to": "completed",
                "at": "2026-11-21T10:02:30Z",
                "source": "webhook",
                "reason": "paid",
            },
        ],
        "refunds": [],
        "review_reason": "",
        "error_code": "",
        "error_message": "",
        "paid_at": "2026-11-21T10:02:28Z",
        "channel": "card",
    },
    problems=("payment_not_found",),
)
REFUND: Final = Operation(
    id="request_refund",
    tag=_TAG,
    summary="Send a payment's money back",
    description=(
        "Takes the credits out of the wallet and has Paystack send the money back, all that is left of the payment "
        "unless `amount_usd` says less; over any number of calls never more than was paid. Above a threshold a person "
        "must approve first, and the credits are held until then. What becomes of it stands in the payment's `refunds`."
    ),
    path={"reference": shapes.REFERENCE},
    request={"amount_usd": "10.00", "reason": "Bought too many"},
    answer=shapes.REFUNDED,
    example=_REFUND,
    status=201,
    problems=(
        "permission_denied",
        "payment_not_found",
        "payment_not_refundable",
        "payment_disputed",
        "refund_exceeds_payment",
        "insufficient_credits",
    ),
)

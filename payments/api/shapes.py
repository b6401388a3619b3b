"""What the answers of the payments API look like."""

from typing import Final

from django.conf import settings

from namaskah.identifiers import PAYMENT_PREFIX, REFUND_PREFIX
from namaskah.openapi.shapes import (
    AMOUNT_MINOR,
    CREDITS,
    EXCHANGE_RATE,
    MOMENT,
    UUID,
    Schema,
    Shape,
    described,
    list_of,
    members,
    nullable,
    one_of,
    reference,
    text,
)
from payments.lifecycles import PaymentState, RefundState, ReviewReason, TransitionSource

REFERENCE: Final = described(reference(PAYMENT_PREFIX), "The reference of one attempt to pay, at Paystack too.")
_STATE: Final = one_of(
    PaymentState.values,
    description=(
        "`pending`: begun. `processing`: the payer can pay. `completed`: paid and credited. `failed`: the last "
        "attempt was declined or refused, though a late payment is still credited. `refunded`: all of it went back."
    ),
)
_CURRENCY: Final = one_of(settings.CURRENCIES)
_BEGUN: Final[dict[str, Schema]] = {
    "payment_id": UUID,
    "reference": REFERENCE,
    "authorization_url": nullable(
        text(format="uri", max_length=300, description="The page to pay on. Null if nothing is left to pay.")
    ),
    "access_code": nullable(
        text(max_length=100, description="The code for Paystack's popup. Null if nothing is left to pay.")
    ),
    "state": _STATE,
    "amount_usd": CREDITS,
    "credits": described(CREDITS, "The credits that the purchase gives."),
    "currency": _CURRENCY,
    "amount_minor": AMOUNT_MINOR,
    "exchange_rate": described(EXCHANGE_RATE, "Units of the currency for one US dollar, fixed when it was begun."),
    "created_at": MOMENT,
}
_LISTED: Final = {
    **_BEGUN,
    "amount_credited": nullable(CREDITS, description="The credits that were given; null before."),
}
_TRANSITION: Final = members(
    {
        "from": nullable(one_of(PaymentState.values), description="Null at the beginning."),
        "to": one_of(PaymentState.values),
        "at": MOMENT,
        "source": one_of(TransitionSource.values),
        "reason": text(examples=["paid"]),
    }
)

_REFUND: Final = members(
    {
        "refund_id": UUID,
        "reference": described(reference(REFUND_PREFIX), "Stands in Paystack's note of it too."),
        "payment_reference": REFERENCE,
        "state": one_of(
            RefundState.values,
            description=(
                "`awaiting_approval`: a person must agree; the credits are held. `approved`, `submitting`, `unknown`, "
                "`submitted`: on its way. `needs_attention`: a person is looking at it. `processed`: the money went "
                "back. `failed`, `rejected`: it did not, and the credits are back."
            ),
        ),
        "amount_usd": CREDITS,
        "amount_minor": AMOUNT_MINOR,
        "currency": _CURRENCY,
        "reason": text(max_length=300, description="As you gave it; empty if somebody else asked for the refund."),
        "created_at": MOMENT,
    }
)

INITIALIZED: Final = Shape("InitializedPayment", members(_BEGUN))
LISTED: Final = Shape("Payment", members(_LISTED))
DETAILED: Final = Shape(
    "PaymentDetail",
    members(
        {
            **_LISTED,
            "state_transitions": {**list_of(_TRANSITION), "minItems": 1, "description": "Its story, oldest first."},
            "refunds": {**list_of(_REFUND), "description": "The refunds of it, oldest first."},
            "review_reason": one_of(["", *ReviewReason.values], description="Why a person looks at it; or empty."),
            "error_code": text(max_length=60, description="Why it failed, for programs; or empty."),
            "error_message": text(max_length=300, description="Why it failed, in words; or empty."),
            "paid_at": nullable(MOMENT, description="When the payer paid, as Paystack says."),
            "channel": text(max_length=50, description="How they paid, as Paystack says; or empty.", examples=["card"]),
        }
    ),
)
VERIFIED: Final = Shape(
    "VerifiedPayment",
    members(
        {
            "reference": REFERENCE,
            "status": one_of(
                ["success", "pending", "failed"],
                description=(
                    "`success`: paid and credited, now or before. `pending`: not paid yet, or under review. "
                    "`failed`: the attempt was declined or taken back; the same page may take another."
                ),
            ),
            "state": _STATE,
            "amount_credited": CREDITS,
            "new_balance": described(CREDITS, "What the caller's wallet has now."),
            "message": text(description="The same in words."),
        }
    ),
)
REFUNDED: Final = Shape("Refund", _REFUND)
QUOTED: Final = Shape(
    "Quote",
    members(
        {
            "amount_usd": CREDITS,
            "credits": CREDITS,
            "currency": _CURRENCY,
            "amount_minor": AMOUNT_MINOR,
            "exchange_rate": EXCHANGE_RATE,
        }
    ),
)

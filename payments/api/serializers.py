"""Bodies of the payments API."""

from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.validators import URLValidator
from rest_framework import serializers

from namaskah.api.fields import AmountField, CreditsField, ShortListField, TextField
from namaskah.api.query import CreatedQuery
from namaskah.api.serializers import StrictSerializer
from namaskah.money import convert_to_credits
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, Refund
from payments.selectors.refunds import list_refunds
from payments.services.checkout import Purchase, Quote
from payments.services.crediting import CreditResult
from payments.services.refunds import RefundRequest

# The channels that Paystack's initialize takes (https://paystack.com/docs/api/transaction/#initialize).
CHANNELS = (
    "card",
    "bank",
    "apple_pay",
    "ussd",
    "qr",
    "mobile_money",
    "bank_transfer",
    "eft",
    "capitec_pay",
    "payattitude",
)


class PurchaseAmountField(AmountField):
    """The dollars that one purchase may be worth."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_places=2, min_value=Decimal("5.00"), max_value=Decimal("10000.00"), **kwargs)


class InitializeInput(StrictSerializer):
    """What a client sends to begin a purchase."""

    amount_usd = PurchaseAmountField()
    currency = serializers.ChoiceField(choices=settings.CURRENCIES, required=False)
    callback_url = TextField(max_length=300, required=False, validators=[URLValidator(schemes=["https", "http"])])
    channels = ShortListField(
        child=serializers.ChoiceField(choices=CHANNELS), required=False, allow_empty=False, max_length=len(CHANNELS)
    )

    def validate_callback_url(self, value: str) -> str:
        """Let payers be sent only to hosts that the operator named; plain http only where DEBUG is on."""
        parts = urlsplit(value)
        schemes = {"https", "http"} if settings.DEBUG else {"https"}
        if parts.scheme not in schemes or parts.username is not None:
            raise serializers.ValidationError("Must be an https URL without credentials.", code="invalid_url")
        if parts.hostname not in settings.CALLBACK_ALLOWED_HOSTS:
            raise serializers.ValidationError("This host is not allowed; ask us to add it.", code="host_not_allowed")
        return value

    def to_purchase(self) -> Purchase:
        """Return the validated body as the service takes it."""
        body = self.validated_data
        return Purchase(
            amount_usd=body["amount_usd"],
            currency=body.get("currency", settings.DEFAULT_CURRENCY),
            callback_url=body.get("callback_url", ""),
            channels=tuple(body.get("channels", ())),
        )


class PaymentQuery(CreatedQuery):
    """What the list of payments may be narrowed to."""

    state = serializers.ChoiceField(choices=PaymentState.choices, required=False)


class QuoteQuery(StrictSerializer):
    """The purchase whose price a client asks for."""

    amount_usd = PurchaseAmountField()
    currency = serializers.ChoiceField(choices=settings.CURRENCIES, required=False)


class QuoteOutput:
    """What a purchase would cost."""

    def __init__(self, *, amount_usd: Decimal, currency: str, quote: Quote) -> None:
        credit_amount = CreditsField().to_representation(amount_usd)
        self.data = {
            "amount_usd": credit_amount,
            "credits": credit_amount,
            "currency": currency,
            "amount_minor": quote.amount_minor,
            "exchange_rate": f"{quote.exchange_rate:.6f}",
        }


class VerifyInput(StrictSerializer):
    """The payment that a client asks about."""

    reference = TextField(max_length=100)


class InitializeOutput(serializers.ModelSerializer[PaymentLog]):
    """A purchase that was begun; `authorization_url` is null when it is paid already."""

    payment_id = serializers.UUIDField(source="pk")
    authorization_url = serializers.SerializerMethodField()
    access_code = serializers.SerializerMethodField()
    amount_usd = CreditsField()
    credits = CreditsField(source="credit_amount")

    class Meta:
        model = PaymentLog
        fields: ClassVar[tuple[str, ...]] = (
            "payment_id",
            "reference",
            "authorization_url",
            "access_code",
            "state",
            "amount_usd",
            "credits",
            "currency",
            "amount_minor",
            "exchange_rate",
            "created_at",
        )

    def get_authorization_url(self, payment: PaymentLog) -> str | None:
        """Return the checkout page; none is shown for a payment that needs no paying."""
        return None if payment.is_settled else payment.authorization_url or None

    def get_access_code(self, payment: PaymentLog) -> str | None:
        """Return the code for Paystack's popup, under the same rule."""
        return None if payment.is_settled else payment.access_code or None


class PaymentOutput(InitializeOutput):
    """One payment in a list."""

    amount_credited = CreditsField(source="credited_amount", allow_null=True)

    class Meta(InitializeOutput.Meta):
        fields = (*InitializeOutput.Meta.fields, "amount_credited")


class RefundInput(StrictSerializer):
    """What a client sends to have a payment's money sent back; without an amount, all that is left."""

    amount_usd = AmountField(max_places=2, min_value=Decimal("0.01"), max_value=Decimal("10000.00"), required=False)
    reason = TextField(max_length=300)

    def to_request(self, *, payment_id: UUID, idempotency_key: UUID) -> RefundRequest:
        """Return the validated body as the service takes it."""
        body = self.validated_data
        return RefundRequest(
            payment_id=payment_id,
            amount_usd=body.get("amount_usd"),
            reason=body["reason"],
            idempotency_key=idempotency_key,
        )


class RefundOutput(serializers.ModelSerializer[Refund]):
    """One refund; `amount_usd` is what the wallet gives, or what money that was never credited is worth."""

    refund_id = serializers.UUIDField(source="pk")
    payment_reference = serializers.CharField(source="payment.reference")
    amount_usd = serializers.SerializerMethodField()
    currency = serializers.CharField(source="payment.currency")
    reason = serializers.SerializerMethodField()

    class Meta:
        model = Refund
        fields: ClassVar[tuple[str, ...]] = (
            "refund_id",
            "reference",
            "payment_reference",
            "state",
            "amount_usd",
            "amount_minor",
            "currency",
            "reason",
            "created_at",
        )

    def get_reason(self, refund: Refund) -> str:
        """Return what the customer gave as the reason; what the staff write is for the staff."""
        return refund.reason if refund.requested_by_id == refund.payment.user_id else ""

    def get_amount_usd(self, refund: Refund) -> str:
        """Return the amount in credits."""
        payment = refund.payment
        worth = convert_to_credits(refund.amount_minor, exchange_rate=payment.exchange_rate)
        return CreditsField().to_representation(refund.credit_amount if payment.credited else worth)


class PaymentDetailOutput(PaymentOutput):
    """One payment with its story."""

    state_transitions = serializers.SerializerMethodField()
    channel = serializers.CharField(source="payment_method")
    refunds = serializers.SerializerMethodField()

    class Meta(PaymentOutput.Meta):
        fields = (
            *PaymentOutput.Meta.fields,
            "state_transitions",
            "refunds",
            "review_reason",
            "error_code",
            "error_message",
            "paid_at",
            "channel",
        )

    def get_state_transitions(self, payment: PaymentLog) -> list[dict[str, Any]]:
        """Return the audit trail as far as the payment's owner may see it; the first step is from null."""
        shown = ("from", "to", "at", "source", "reason")
        return [{name: entry[name] for name in shown} for entry in payment.state_transitions]

    def get_refunds(self, payment: PaymentLog) -> list[dict[str, Any]]:
        """Return the refunds, oldest first."""
        return [RefundOutput(refund).data for refund in list_refunds(payment)]


class VerifyOutput:
    """The answer of verify: what is now true of the payment."""

    MESSAGES = {
        "success": "Payment verified and credited",
        "pending": "Payment is not completed yet",
        "failed": "Payment failed",
    }

    def __init__(self, payment: PaymentLog, result: CreditResult, *, balance: Decimal) -> None:
        status = self._status(payment, result)
        message = self.MESSAGES[status]
        if result is CreditResult.UNDER_REVIEW:
            # Money has moved: whoever is told to wait for it might pay again.
            message = "Payment is under review"
        self.data = {
            "reference": payment.reference,
            "status": status,
            "state": payment.state,
            "amount_credited": CreditsField().to_representation(payment.credited_amount or Decimal(0)),
            "new_balance": CreditsField().to_representation(balance),
            "message": message,
        }

    @staticmethod
    def _status(payment: PaymentLog, result: CreditResult) -> str:
        if payment.is_settled:
            return "success"
        if result is CreditResult.UNDER_REVIEW:
            return "pending"
        if result is CreditResult.FAILED or payment.state == PaymentState.FAILED:
            return "failed"
        return "pending"

"""A view that moves money, as far as the guard can tell: it counts how often it did its work."""

from decimal import Decimal

from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from namaskah.api.fields import AmountField
from namaskah.api.rate_limits import Usage
from namaskah.api.serializers import StrictSerializer
from namaskah.api.throttling import RateLimitedError
from namaskah.errors import GatewayRejectedError, GatewayUnavailableError
from namaskah.idempotency.views import IdempotentView

ERRORS = {
    "rejected": GatewayRejectedError("Declined."),
    "unavailable": GatewayUnavailableError("Away.", retry_after_seconds=3),
    "unforeseen": ZeroDivisionError("a secret detail"),
}
worked = []


class TransferInput(StrictSerializer):
    amount_usd = AmountField(max_places=2, min_value=Decimal(5), max_value=Decimal(100))
    outcome = serializers.ChoiceField(choices=["done", *ERRORS], default="done")


class Transfer(IdempotentView):
    input_serializer = TransferInput
    throttle_scope = "writes"

    def perform(self, request, body, claim):  # noqa: ARG002 -- the guard's signature
        worked.append(body.validated_data["amount_usd"])
        outcome = body.validated_data["outcome"]
        if outcome in ERRORS:
            raise ERRORS[outcome]
        return Response({"number": len(worked), "request_id": request.request_id}, status=201)


class NoMore(BaseThrottle):
    def allow_request(self, request, view):  # noqa: ARG002 -- REST framework's signature
        raise RateLimitedError(Usage(name="writes", limit=1, used=2, seconds_left=7))


class LimitedTransfer(Transfer):
    throttle_classes = (NoMore,)


urlpatterns = [
    path("api/limited", LimitedTransfer.as_view()),
    path("api/transfers/<str:reference>", Transfer.as_view()),
]

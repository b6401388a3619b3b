"""The endpoints under /api/v1/payments."""

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from billing.selectors import wallets
from namaskah.api.client_request import ClientRequest, get_client
from namaskah.api.pagination import CreatedCursorPagination
from namaskah.api.permissions import HasPermission
from namaskah.api.query import read_filters
from namaskah.api.views import ApiView
from namaskah.idempotency.claims import KeyClaim
from namaskah.idempotency.keys import HEADER, check_key
from namaskah.idempotency.views import IdempotentView
from namaskah.openapi.operations import describe
from payments.api import operations
from payments.api.serializers import (
    InitializeInput,
    InitializeOutput,
    PaymentDetailOutput,
    PaymentOutput,
    PaymentQuery,
    QuoteOutput,
    QuoteQuery,
    RefundInput,
    RefundOutput,
    VerifyInput,
    VerifyOutput,
)
from payments.lifecycles import TransitionSource
from payments.models import Cause, PaymentLog
from payments.selectors import payments
from payments.services import checkout, refunds


@describe(operations.INITIALIZE)
class PaymentInitialize(IdempotentView):
    """POST /api/v1/payments/initialize"""

    input_serializer = InitializeInput
    throttle_scope = "initialize"

    def perform(self, request: ClientRequest, body: InitializeInput, claim: KeyClaim) -> Response:
        """Begin a purchase."""
        payment = checkout.initialize_payment(
            purchase=body.to_purchase(), by=request.user, claim=claim, cause=_cause(request), now=timezone.now()
        )
        return Response(InitializeOutput(payment).data, status=status.HTTP_201_CREATED)


@describe(operations.VERIFY)
class PaymentVerify(ApiView):
    """POST /api/v1/payments/verify"""

    throttle_scope = "verify"

    def post(self, request: ClientRequest) -> Response:
        """Ask Paystack, credit if it was paid, and answer what is now true."""
        # Verifying twice is harmless, so a key decides nothing here; one that is none is still a mistake to tell.
        check_key(request.headers.get(HEADER))
        body = VerifyInput(data=request.data)
        body.is_valid(raise_exception=True)
        payment, result = checkout.verify_payment(
            reference=body.validated_data["reference"], user=request.user, cause=_cause(request), now=timezone.now()
        )
        balance = wallets.get_balance(user=request.user)
        return Response(VerifyOutput(payment, result, balance=balance).data)


@describe(operations.QUOTE)
class PaymentQuote(ApiView):
    """GET /api/v1/payments/quote"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest) -> Response:
        """Tell what credits cost now; nothing is reserved."""
        wanted = {"currency": settings.DEFAULT_CURRENCY, **read_filters(request, QuoteQuery)}
        quote = checkout.quote_purchase(**wanted, now=timezone.now())
        return Response(QuoteOutput(**wanted, quote=quote).data)


@describe(operations.LIST)
class PaymentList(ApiView, ListAPIView[PaymentLog]):
    """GET /api/v1/payments"""

    serializer_class = PaymentOutput
    pagination_class = CreatedCursorPagination
    throttle_scope = "reads"

    def get_queryset(self) -> QuerySet[PaymentLog]:
        """Return the caller's own payments."""
        return payments.list_payments(user=get_client(self.request), **read_filters(self.request, PaymentQuery))


@describe(operations.SHOW)
class PaymentDetail(ApiView):
    """GET /api/v1/payments/{reference}"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest, reference: str) -> Response:
        """Show one payment with its story."""
        payment = payments.get_payment(user=request.user, reference=reference)
        return Response(PaymentDetailOutput(payment).data)


@describe(operations.REFUND)
class RefundCreate(IdempotentView):
    """POST /api/v1/payments/{reference}/refunds"""

    input_serializer = RefundInput
    permission_classes = [IsAuthenticated, HasPermission]
    required_permission = refunds.REQUEST_PERMISSION
    throttle_scope = "writes"

    def perform(self, request: ClientRequest, body: RefundInput, claim: KeyClaim) -> Response:
        """Ask for a payment's money back."""
        payment = payments.get_payment(user=request.user, reference=self.kwargs["reference"])
        refund = refunds.request_refund(
            request=body.to_request(payment_id=payment.pk, idempotency_key=claim.key),
            by=request.user,
            cause=_cause(request),
            now=timezone.now(),
            claim=claim,
        )
        return Response(RefundOutput(refund).data, status=status.HTTP_201_CREATED)


def _cause(request: ClientRequest) -> Cause:
    return Cause(source=TransitionSource.API, by=request.user.get_username(), request_id=request.request_id)

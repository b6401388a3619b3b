"""The endpoints under /api/v1/billing."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from billing.api import operations
from billing.api.serializers import (
    BalanceOutput,
    DebitInput,
    PostedOutput,
    ReversalInput,
    SummaryOutput,
    SummaryQuery,
    TransactionOutput,
    TransactionQuery,
)
from billing.models import Transaction
from billing.selectors import summaries, wallets
from billing.services import debits
from namaskah.api.client_request import ClientRequest, get_client
from namaskah.api.pagination import SequencePagination
from namaskah.api.permissions import HasPermission
from namaskah.api.query import read_filters
from namaskah.api.views import ApiView
from namaskah.idempotency.claims import KeyClaim
from namaskah.idempotency.views import IdempotentView
from namaskah.openapi.operations import describe


@describe(operations.BALANCE)
class Balance(ApiView):
    """GET /api/v1/billing/balance"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest) -> Response:
        """Show what the caller has."""
        return Response(BalanceOutput(wallets.find_wallet(user=request.user)).data)


@describe(operations.LIST)
class TransactionList(ApiView, ListAPIView[Transaction]):
    """GET /api/v1/billing/transactions"""

    serializer_class = TransactionOutput
    pagination_class = SequencePagination
    throttle_scope = "reads"

    def get_queryset(self) -> QuerySet[Transaction]:
        """Return the caller's own ledger, newest first."""
        filters = read_filters(self.request, TransactionQuery)
        entries = wallets.list_transactions(user=get_client(self.request), **filters)
        return wallets.with_reversed(entries).select_related("payment_log", "reverses")


@describe(operations.SUMMARY)
class Summary(ApiView):
    """GET /api/v1/billing/summary"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest) -> Response:
        """Add up the caller's ledger over the last days."""
        days = read_filters(request, SummaryQuery)["days"]
        now = timezone.now()
        after = now - timedelta(days=days)
        summary = summaries.summarize(user=request.user, after=after, before=now)
        return Response(SummaryOutput(summary, days=days, after=after, before=now).data)


@describe(operations.DEBIT)
class DebitCreate(IdempotentView):
    """POST /api/v1/billing/debits"""

    input_serializer = DebitInput
    permission_classes = [IsAuthenticated, HasPermission]
    required_permission = "billing.debit_wallet"
    throttle_scope = "writes"

    def perform(self, request: ClientRequest, body: DebitInput, claim: KeyClaim) -> Response:
        """Take credits from a user's wallet."""
        entry = debits.debit_wallet(
            debit=body.to_debit(), by=request.user, claim=claim, request_id=request.request_id, now=timezone.now()
        )
        return Response(PostedOutput(entry).data, status=status.HTTP_201_CREATED)


@describe(operations.REVERSE)
class DebitReverse(IdempotentView):
    """POST /api/v1/billing/debits/{reference}/reverse"""

    input_serializer = ReversalInput
    permission_classes = [IsAuthenticated, HasPermission]
    required_permission = "billing.debit_wallet"
    throttle_scope = "writes"

    def perform(self, request: ClientRequest, body: ReversalInput, claim: KeyClaim) -> Response:
        """Give back credits that were taken for what was not served."""
        entry = debits.reverse_debit(
            reference=self.kwargs["reference"],
            amount=body.validated_data.get("amount"),
            reason=body.validated_data["reason"],
            by=request.user,
            claim=claim,
            request_id=request.request_id,
            now=timezone.now(),
        )
        return Response(PostedOutput(entry).data, status=status.HTTP_201_CREATED)

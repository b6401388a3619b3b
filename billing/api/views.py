"""The endpoints under /api/v1/billing."""

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.serializers import BalanceOutput, TransactionOutput, TransactionQuery
from billing.models import Transaction
from billing.selectors import wallets
from namaskah.api.client_request import ClientRequest, get_client
from namaskah.api.pagination import CreatedCursorPagination
from namaskah.api.query import read_filters


class Balance(APIView):
    """GET /api/v1/billing/balance"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest) -> Response:
        """Show what the caller has."""
        return Response(BalanceOutput(wallets.find_wallet(user=request.user)).data)


class TransactionList(ListAPIView[Transaction]):
    """GET /api/v1/billing/transactions"""

    serializer_class = TransactionOutput
    pagination_class = CreatedCursorPagination
    throttle_scope = "reads"

    def get_queryset(self) -> QuerySet[Transaction]:
        """Return the caller's own ledger, newest first."""
        filters = read_filters(self.request, TransactionQuery)
        return wallets.list_transactions(user=get_client(self.request), **filters).select_related("payment_log")

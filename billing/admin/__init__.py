"""Wallets with their holds, the ledger, adjustments, receivables and exchange rates, to look at."""

from django.contrib import admin

from billing.models import CreditAdjustment, ExchangeRate, Hold, Receivable, Transaction, Wallet
from namaskah.read_only_admin import ReadOnlyAdmin


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    """What each customer has."""

    list_display = ["user", "balance", "held", "sequence", "updated_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ["reference", "user", "type", "amount", "balance_after", "created_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["reference", "user__username", "user__email"]
    ordering = ["-id"]


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Credits that wait for a decision, or did."""

    list_display = ["reference", "wallet", "reason", "amount", "state", "created_at", "decided_at"]
    list_filter = ["state", "reason"]
    list_select_related = ["wallet"]
    search_fields = ["reference", "wallet__user__username", "wallet__user__email"]
    ordering = ["-id"]


@admin.register(Receivable)
class ReceivableAdmin(ReadOnlyAdmin):
    """What customers owe."""

    list_display = ["user", "amount", "reason", "payment_log", "created_at", "cancelled_at"]
    list_filter = ["reason"]
    list_select_related = ["user", "payment_log"]
    search_fields = ["reference", "user__username", "user__email"]
    ordering = ["-id"]


@admin.register(CreditAdjustment)
class CreditAdjustmentAdmin(ReadOnlyAdmin):
    """Credits given and taken by hand."""

    list_display = ["reference", "user", "amount", "reason_code", "state", "requested_by", "decided_by", "created_at"]
    list_filter = ["state", "reason_code"]
    list_select_related = ["user", "requested_by", "decided_by"]
    search_fields = ["reference", "ticket", "user__username", "user__email"]
    ordering = ["-id"]


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """What a dollar cost, and costs."""

    list_display = ["currency", "units_per_usd", "valid_from", "set_by"]
    list_filter = ["currency"]
    list_select_related = ["set_by"]
    ordering = ["-valid_from"]

"""Wallets, ledger and exchange rates, to look at."""

from django.contrib import admin

from billing.models import ExchangeRate, Transaction, Wallet
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


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """What a dollar cost, and costs."""

    list_display = ["currency", "units_per_usd", "valid_from", "set_by"]
    list_filter = ["currency"]
    list_select_related = ["set_by"]
    ordering = ["-valid_from"]

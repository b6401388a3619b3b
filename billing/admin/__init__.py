"""The back office's pages of credits; importing them registers them."""

from billing.admin import adjustments, exchange_rates, holds, ledger, wallets

__all__ = ["adjustments", "exchange_rates", "holds", "ledger", "wallets"]

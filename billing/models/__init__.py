"""The tables of wallets, ledger and exchange rates."""

from billing.models.credit_adjustment import CreditAdjustment
from billing.models.exchange_rate import ExchangeRate
from billing.models.hold import Hold
from billing.models.receivable import Receivable
from billing.models.transaction import Transaction
from billing.models.wallet import Wallet

__all__ = ["CreditAdjustment", "ExchangeRate", "Hold", "Receivable", "Transaction", "Wallet"]

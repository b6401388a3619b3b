"""Reads of wallets, ledger and exchange rates."""

"""What can be done with wallets, ledger and exchange rates."""

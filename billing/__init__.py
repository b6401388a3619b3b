"""What money means to a customer: wallets, an append-only ledger, exchange rates."""

"""Money from outside: what speaks to a payment gateway."""

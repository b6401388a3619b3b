"""Money in, and back out, through Paystack."""

"""Where Paystack delivers."""

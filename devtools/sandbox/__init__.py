"""A Paystack look-alike for development, demonstrations and tests; standard library only."""

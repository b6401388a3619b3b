"""Management of idempotency keys."""

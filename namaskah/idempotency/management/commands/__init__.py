"""The commands of idempotency keys."""

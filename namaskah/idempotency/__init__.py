"""Idempotency keys: a request that is sent twice has one effect and one answer."""

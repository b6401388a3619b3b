"""API keys: stored hashed, shown once, they can expire and be revoked."""

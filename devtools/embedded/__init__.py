"""Real Postgres and Valkey from wheels, for development and tests; standard library only."""

"""A database engine for tests: Postgres, with a flush that append-only tables do not refuse."""

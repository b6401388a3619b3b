"""The engine; Django looks for it in a module of this name."""

from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresOperations


class DatabaseOperations(PostgresOperations):
    def sql_flush(self, *args, **kwargs):
        """Switch triggers off for the flush alone: the ledger refuses TRUNCATE from everybody."""
        statements = super().sql_flush(*args, **kwargs)
        return ["SET LOCAL session_replication_role = replica", *statements] if statements else []


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

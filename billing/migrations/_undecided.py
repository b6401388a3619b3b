"""What a migration must not take away with its table: money that is still on its way.

Decided rows go, and their history with them: after a way back and forward again, the invariants
report the ledger entries that they leave without a case.
"""

from typing import Any

from django.db import connections, migrations, transaction
from django.db.migrations import Migration

UNDECIDED = {
    "holds": "SELECT 'hold' AS kind, reference, state FROM holds WHERE state NOT IN ('taken', 'released')",
    "refunds": "SELECT 'refund' AS kind, reference, state FROM refunds "
    "WHERE state NOT IN ('processed', 'failed', 'rejected')",
    "disputes": "SELECT 'dispute' AS kind, gateway_dispute_id::text AS reference, state FROM disputes "
    "WHERE state NOT IN ('lost', 'won')",
    "credit_adjustments": "SELECT 'adjustment' AS kind, reference, state FROM credit_adjustments "
    "WHERE state NOT IN ('posted', 'rejected')",
}
# The lock keeps what is asked for meanwhile from being overlooked; readers go on.
REFUSAL = """
LOCK TABLE {tables} IN EXCLUSIVE MODE;
DO $$
DECLARE
    number bigint;
    first_of_them text;
BEGIN
    SELECT max(total), string_agg(format('%s %s (%s)', kind, reference, state), ', ')
    INTO number, first_of_them
    FROM (
        SELECT *, count(*) OVER () AS total FROM ({undecided}) AS undecided ORDER BY kind, reference LIMIT 10
    ) AS listed;
    IF number > 0 THEN
        RAISE EXCEPTION 'going back would lose what is not decided: % in all, such as %', number, first_of_them
            USING ERRCODE = '23514', HINT = 'Go back when they are decided; explain_payment tells what they wait for.';
    END IF;
END $$;
"""


class KeepUndecided(migrations.RunSQL):
    """An operation that refuses the way back while any of the tables has an undecided row."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables
        super().__init__(migrations.RunSQL.noop, refusal_of(*tables))


def refusal_of(*tables: str) -> str:
    """Return the statements that end with an error while any of the tables has an undecided row."""
    undecided = " UNION ALL ".join(UNDECIDED[table] for table in tables)
    return REFUSAL.format(tables=", ".join(tables), undecided=undecided)


def refuse_before_anything_goes(*, plan: list[tuple[Migration, bool]], using: str, **_signal: Any) -> None:
    """Ask before the first of several steps back what the last would refuse: steps between are not taken back.

    A receiver of `pre_migrate`.
    """
    steps_back = [migration for migration, is_backwards in plan if is_backwards]
    operations = [operation for step in steps_back for operation in step.operations]
    tables = [table for operation in operations if isinstance(operation, KeepUndecided) for table in operation.tables]
    if tables:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(refusal_of(*tables))

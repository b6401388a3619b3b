"""Plans are only worth looking at for full tables: with a handful of rows any index costs the same."""

from django.db import connection

ROWS = 3_000


def multiply(row, **changes):
    """Put thousands of copies of a row beside it, and let Postgres count them.

    Each change is SQL for a column that must not repeat; `number` in it is different for every copy. Triggers stay
    quiet: the copies are there to be planned for, not to be right.
    """
    assert connection.in_atomic_block, "would be kept"
    table = connection.ops.quote_name(row._meta.db_table)
    pairs = ", ".join(f"'{column}', {value}" for column, value in changes.items())
    # Names and SQL are those that tests write.
    statement = (
        f"INSERT INTO {table} SELECT made.* FROM {table} AS source, generate_series(1, {ROWS}) AS number,"  # noqa: S608 -- see above
        f" LATERAL jsonb_populate_record(source, jsonb_build_object({pairs})) AS made WHERE source.id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, [row.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute(f"ANALYZE {table}")

"""What the database holds, to compare before and after."""

from collections.abc import Collection

from django.db import connection

Snapshot = dict[str, tuple[int, str | None]]

# What Django keeps for itself, and changes when it likes.
_OF_DJANGO = {"django_migrations", "django_content_type", "auth_permission"}

_DIGEST = """
SELECT '{table}', count(*), md5(string_agg(kept, '|' ORDER BY kept))
FROM (SELECT (to_jsonb(stored) - 'last_used_at')::text AS kept FROM {table} AS stored) AS rows
"""


def take_snapshot(*, without: Collection[str] = ()) -> Snapshot:
    """Return the number of rows and a digest of each table, but for those named in `without`.

    When an API key was last used is no part of it: every request may write that.
    """
    tables = sorted(set(connection.introspection.table_names()) - _OF_DJANGO - set(without))
    digests = [_DIGEST.format(table=table) for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(digests))
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}

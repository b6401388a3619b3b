"""What was written to the audit log, and every note, stays as it is."""

from django.db import migrations

RULES = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514';
END $$;
"""

UNDO_RULES = "DROP FUNCTION audit_refuse_change();"

APPEND_ONLY = """
CREATE TRIGGER {table}_unchanging BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER {table}_untruncated BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""

UNDO_APPEND_ONLY = """
DROP TRIGGER {table}_unchanging ON {table};
DROP TRIGGER {table}_untruncated ON {table};
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(RULES, UNDO_RULES),
        *(
            migrations.RunSQL(APPEND_ONLY.format(table=table), UNDO_APPEND_ONLY.format(table=table))
            for table in ("audit_log", "notes")
        ),
    ]

# What the staff search and filter accounts and the audit log by. Without long locks: log-ins go on meanwhile.

from django.db import migrations

# (name, what it is on): written out, because accounts are Django's own model, and no model of ours can name its indexes.
INDEXES = [
    # As `istartswith` and `iexact` ask.
    ("auth_user_username_upper", "auth_user (UPPER(username::text) text_pattern_ops)"),
    ("auth_user_email_upper", "auth_user (UPPER(email::text) text_pattern_ops)"),
    ("auth_user_staff", "auth_user (id) WHERE is_staff"),
    ("auth_user_inactive", "auth_user (id) WHERE NOT is_active"),
    ("audit_log_of_action", "audit_log (action, id)"),
    ("audit_log_of_actor", "audit_log (actor_id, id)"),
    ("audit_log_refused", "audit_log (id) WHERE outcome = 'refused'"),
    ("audit_log_of_request", "audit_log (request_id)"),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("auth", "0012_alter_user_first_name_max_length"), ("audit", "0002_rules")]

    operations = [
        # One that broke off before is invalid, and would keep its name.
        operation
        for name, target in INDEXES
        for operation in (
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop),
            migrations.RunSQL(
                f"CREATE INDEX CONCURRENTLY {name} ON {target}", f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
            ),
        )
    ]

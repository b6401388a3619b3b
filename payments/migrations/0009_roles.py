"""The roles of the staff. Who is in none of them, and no superuser, sees nothing."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

_SEE_CASES = [
    "payments.view_paymentlog",
    "payments.view_refund",
    "payments.view_dispute",
    "payments.view_reviewdecision",
    "payments.view_reconciliationbreak",
    "payments.view_webhookevent",
    "payments.view_webhookattempt",
    "payments.view_gatewaycall",
    "billing.view_wallet",
    "billing.view_transaction",
    "billing.view_hold",
    "billing.view_receivable",
    "billing.view_creditadjustment",
    "billing.view_exchangerate",
    "idempotency.view_idempotencykey",
    "audit.view_note",
    "auth.view_user",
]
_SUPPORT = [
    *_SEE_CASES,
    "payments.verify_payment",
    "payments.replay_event",
    "payments.request_refund",
    "billing.request_adjustment",
    "audit.add_staff_note",
]
ROLES = {
    "Support": _SUPPORT,
    "Finance": [
        *_SUPPORT,
        "payments.approve_refund",
        "payments.resolve_review",
        "payments.dismiss_break",
        "billing.approve_adjustment",
        "billing.set_exchange_rate",
        "audit.export_rows",
    ],
    "Operator": [
        "payments.view_paymentlog",
        "payments.view_webhookevent",
        "payments.view_webhookattempt",
        "payments.view_gatewaycall",
        "payments.view_reconciliationbreak",
        "payments.verify_payment",
        "payments.replay_event",
        "payments.dismiss_event",
        "idempotency.view_idempotencykey",
        "observability.view_heartbeat",
        "api_keys.view_apikey",
        "api_keys.issue_key",
        "api_keys.revoke_key",
        "audit.view_note",
        "audit.add_staff_note",
        "auth.view_user",
    ],
    "Auditor": [
        *_SEE_CASES,
        "observability.view_heartbeat",
        "api_keys.view_apikey",
        "audit.view_auditentry",
        "audit.export_rows",
    ],
}


def make_roles(apps: Apps, _schema_editor: object) -> None:
    """Make the groups; a permission that Django would make only after all migrations is made now."""
    from django.apps import apps as installed  # noqa: PLC0415 -- the registry that create_permissions takes

    for config in installed.get_app_configs():
        create_permissions(config, apps=apps, verbosity=0)
    permissions = apps.get_model("auth", "Permission").objects
    for role, names in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.set(
            permissions.get(content_type__app_label=name.split(".")[0], codename=name.split(".")[1]) for name in names
        )


def take_roles_away(apps: Apps, _schema_editor: object) -> None:
    """Take the groups away; whoever was in them may do nothing any more."""
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0008_permissions"),
        ("billing", "0008_permissions"),
        ("api_keys", "0002_permissions"),
        ("audit", "0002_rules"),
        ("idempotency", "0003_refund_created"),
        ("observability", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_roles, take_roles_away)]

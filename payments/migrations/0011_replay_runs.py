# Replays of many events at once.

import django.db.models.deletion
import django.db.models.expressions
import namaskah.identifiers
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

ROLES = ["Support", "Finance", "Operator", "Auditor"]
PERMISSIONS = ["view_replayrun", "view_replayrunevent"]


def let_roles_look(apps, _schema_editor):
    """Let whoever sees webhook events see their replays; Django would make the permissions only after all migrations."""
    from django.apps import apps as installed

    create_permissions(installed.get_app_config("payments"), apps=apps, verbosity=0)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="payments", codename__in=PERMISSIONS
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_search_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReplayRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("asked_for", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("stopped", "Stopped")],
                        default="running",
                        max_length=20,
                    ),
                ),
                ("total", models.IntegerField()),
                ("processed", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("request_id", models.CharField(blank=True, max_length=36)),
                ("created_at", models.DateTimeField()),
                ("progressed_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "replay_runs",
            },
        ),
        migrations.CreateModel(
            name="ReplayRunEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.IntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("processed", "Processed"), ("failed", "Failed")],
                        default="waiting",
                        max_length=20,
                    ),
                ),
                ("error_class", models.CharField(blank=True, max_length=100)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("claims", models.IntegerField(default=0)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.webhookevent",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="payments.replayrun",
                    ),
                ),
            ],
            options={
                "db_table": "replay_run_events",
            },
        ),
        migrations.AddIndex(
            model_name="replayrun",
            index=models.Index(
                condition=models.Q(("state", "running")), fields=["created_at"], name="payments_replayrun_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["running", "done", "stopped"])), name="payments_replayrun_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="payments_replayrun_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("failed__gte", 0),
                    ("processed__gte", 0),
                    ("total__gte", 1),
                    (
                        "total__gte",
                        django.db.models.expressions.CombinedExpression(models.F("processed"), "+", models.F("failed")),
                    ),
                ),
                name="payments_replayrun_counts_add_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True),
                    (
                        "total",
                        django.db.models.expressions.CombinedExpression(models.F("processed"), "+", models.F("failed")),
                    ),
                    _connector="OR",
                ),
                name="payments_replayrun_done_with_all",
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state", "running")),
                    models.Q(models.Q(("state", "running"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="payments_replayrun_ended_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "stopped"), ("stopped_by__isnull", False)),
                    models.Q(models.Q(("state", "stopped"), _negated=True), ("stopped_by__isnull", True)),
                    _connector="OR",
                ),
                name="payments_replayrun_stopped_says_who",
            ),
        ),
        migrations.AddIndex(
            model_name="replayrunevent",
            index=models.Index(
                condition=models.Q(("outcome", "waiting")),
                fields=["run", "position"],
                name="payments_replayrunevent_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrunevent",
            constraint=models.UniqueConstraint(fields=("run", "event"), name="payments_replayrunevent_once"),
        ),
        migrations.AddConstraint(
            model_name="replayrunevent",
            constraint=models.UniqueConstraint(fields=("run", "position"), name="payments_replayrunevent_position"),
        ),
        migrations.AddConstraint(
            model_name="replayrunevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["waiting", "processed", "failed"])),
                name="payments_replayrunevent_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="replayrunevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("outcome", "waiting")),
                    models.Q(models.Q(("outcome", "waiting"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="payments_replayrunevent_ended_has_time",
            ),
        ),
        migrations.RunPython(let_roles_look, migrations.RunPython.noop),
    ]

# Refunds have a recovery point of their own. Without long locks: keys are kept for good, so their table grows.

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

POINTS = ["started", "payment_created", "gateway_called", "entry_posted", "refund_created", "finished"]
RULE = "idempotency_idempotencykey_point_known"
OLD_RULE = f"""
ALTER TABLE idempotency_keys ADD CONSTRAINT {RULE} CHECK (
    recovery_point IN ('started', 'payment_created', 'gateway_called', 'entry_posted', 'finished')
) NOT VALID
"""
VALIDATE = f"SET LOCAL statement_timeout = 0; ALTER TABLE idempotency_keys VALIDATE CONSTRAINT {RULE}"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("idempotency", "0002_entry_posted")]

    operations = [
        # In a database transaction of its own, which SET LOCAL ends with: reading the table may take its time.
        migrations.RunSQL(migrations.RunSQL.noop, VALIDATE),
        migrations.RunSQL(
            f"ALTER TABLE idempotency_keys DROP CONSTRAINT {RULE}",
            OLD_RULE,
            state_operations=[migrations.RemoveConstraint(model_name="idempotencykey", name=RULE)],
        ),
        # On the way back the old constraint must hold: both points say that something was written.
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "SET LOCAL statement_timeout = 0; "
            "UPDATE idempotency_keys SET recovery_point = 'gateway_called' WHERE recovery_point = 'refund_created'",
        ),
        migrations.AlterField(
            model_name="idempotencykey",
            name="recovery_point",
            field=models.CharField(
                choices=[(point, point.replace("_", " ").title()) for point in POINTS],
                default="started",
                max_length=20,
            ),
        ),
        AddConstraintNotValid(
            model_name="idempotencykey",
            constraint=models.CheckConstraint(name=RULE, condition=models.Q(recovery_point__in=POINTS)),
        ),
        migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
    ]

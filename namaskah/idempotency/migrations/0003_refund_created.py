# Refunds have a recovery point of their own. Without long locks: keys are kept for good, so their table grows.

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

POINTS = ["started", "payment_created", "gateway_called", "entry_posted", "refund_created", "finished"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("idempotency", "0002_entry_posted")]

    operations = [
        migrations.RemoveConstraint(model_name="idempotencykey", name="idempotency_idempotencykey_point_known"),
        # On the way back the old constraint must hold: both points say that something was written.
        migrations.RunSQL(
            migrations.RunSQL.noop,
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
            constraint=models.CheckConstraint(
                name="idempotency_idempotencykey_point_known",
                condition=models.Q(recovery_point__in=POINTS),
            ),
        ),
        ValidateConstraint(model_name="idempotencykey", name="idempotency_idempotencykey_point_known"),
    ]

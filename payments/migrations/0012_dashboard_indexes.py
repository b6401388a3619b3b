# An index that holds all that the dashboard adds up of payments that have ended.

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built beside the purchases that go on meanwhile.
    atomic = False

    dependencies = [("payments", "0011_replay_runs")]

    operations = [
        AddIndexConcurrently(
            model_name="paymentlog",
            index=models.Index(
                name="payments_paymentlog_ended",
                fields=["created_at"],
                include=[
                    "state",
                    "currency",
                    "credited_amount",
                    "amount_paid_minor",
                    "error_code",
                    "paid_at",
                    "processing_completed_at",
                ],
                condition=models.Q(state__in=["completed", "failed", "refunded"]),
            ),
        ),
    ]

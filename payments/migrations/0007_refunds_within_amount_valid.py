"""Every payment keeps the rule of 0003, whose table is in use while this reads it."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_review_decisions"), ("billing", "0007_collected_receivables")]

    operations = [
        # To the end of this database transaction: it takes as long as the table is large, and stops nobody.
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),
        ValidateConstraint(model_name="paymentlog", name="payments_paymentlog_refunds_within_amount"),
    ]

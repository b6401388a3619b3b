# What users owe is collected when credits that belong to the case come free.

from decimal import Decimal

from django.db import migrations, models

CHANGES = """
DROP TRIGGER receivables_cancelled_once ON receivables;
CREATE TRIGGER receivables_cancelled_once BEFORE UPDATE ON receivables
    FOR EACH ROW WHEN (
        OLD.cancelled_at IS NOT NULL
        -- It only grows, and is nothing again when it is cancelled, because then it is given back.
        OR (NEW.collected_amount < OLD.collected_amount AND NEW.cancelled_at IS NULL)
        OR (NEW.cancelled_at IS NOT NULL AND NEW.collected_amount <> 0)
        OR (OLD.id, OLD.user_id, OLD.payment_log_id, OLD.reason, OLD.reference, OLD.amount, OLD.created_at)
            IS DISTINCT FROM
            (NEW.id, NEW.user_id, NEW.payment_log_id, NEW.reason, NEW.reference, NEW.amount, NEW.created_at)
    ) EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_CHANGES = """
DROP TRIGGER receivables_cancelled_once ON receivables;
CREATE TRIGGER receivables_cancelled_once BEFORE UPDATE ON receivables
    FOR EACH ROW WHEN (
        OLD.cancelled_at IS NOT NULL
        OR (OLD.id, OLD.user_id, OLD.payment_log_id, OLD.reason, OLD.reference, OLD.amount, OLD.created_at)
            IS DISTINCT FROM
            (NEW.id, NEW.user_id, NEW.payment_log_id, NEW.reason, NEW.reference, NEW.amount, NEW.created_at)
    ) EXECUTE FUNCTION namaskah_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_adjustment_rules")]

    operations = [
        migrations.AddField(
            model_name="receivable",
            name="collected_amount",
            field=models.DecimalField(decimal_places=4, default=Decimal(0), max_digits=18),
        ),
        migrations.AddConstraint(
            model_name="receivable",
            constraint=models.CheckConstraint(
                name="billing_receivable_collected_within_amount",
                condition=models.Q(collected_amount__gte=0, collected_amount__lte=models.F("amount")),
            ),
        ),
        migrations.RunSQL(CHANGES, UNDO_CHANGES),
    ]

# How people ended reviews.

import django.db.models.deletion
import namaskah.identifiers
from django.conf import settings
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER review_decisions_unchanged BEFORE UPDATE OR DELETE ON review_decisions
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER review_decisions_untruncated BEFORE TRUNCATE ON review_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_APPEND_ONLY = """
DROP TRIGGER review_decisions_unchanged ON review_decisions;
DROP TRIGGER review_decisions_untruncated ON review_decisions;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0005_reconciliation_breaks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReviewDecision',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('review_reason', models.CharField(choices=[('amount_mismatch', 'Amount Mismatch'), ('partial_debit', 'Partial Debit'), ('overpaid', 'Overpaid'), ('currency_mismatch', 'Currency Mismatch'), ('wrong_domain', 'Wrong Domain'), ('status_mismatch', 'Status Mismatch'), ('evidence_incomplete', 'Evidence Incomplete'), ('reversal_pending', 'Reversal Pending'), ('paid_twice', 'Paid Twice'), ('transaction_reused', 'Transaction Reused'), ('sent_back_twice', 'Sent Back Twice')], max_length=40)),
                ('outcome', models.CharField(choices=[('credited', 'Credited'), ('dismissed', 'Dismissed')], max_length=20)),
                ('note', models.CharField(max_length=300)),
                ('request_id', models.CharField(blank=True, max_length=36)),
                ('created_at', models.DateTimeField()),
                ('decided_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='review_decisions', to='payments.paymentlog')),
            ],
            options={
                'db_table': 'review_decisions',
                'permissions': [('resolve_review', 'Can credit or dismiss a payment under review')],
                'constraints': [models.CheckConstraint(condition=models.Q(('review_reason__in', ['amount_mismatch', 'partial_debit', 'overpaid', 'currency_mismatch', 'wrong_domain', 'status_mismatch', 'evidence_incomplete', 'reversal_pending', 'paid_twice', 'transaction_reused', 'sent_back_twice'])), name='payments_review_reason_known'), models.CheckConstraint(condition=models.Q(('outcome__in', ['credited', 'dismissed'])), name='payments_review_outcome_known'), models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='payments_review_says_why')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO_APPEND_ONLY),
    ]

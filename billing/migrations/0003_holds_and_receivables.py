# Holds: credits in a wallet that may not be spent. Receivables: what a wallet could not cover.

import django.db.models.deletion
import namaskah.identifiers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from billing.migrations._undecided import KeepUndecided


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_rules'),
        ('payments', '0002_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('refund', 'Refund'), ('dispute', 'Dispute')], max_length=20)),
                ('reference', models.CharField(max_length=64, unique=True)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=18)),
                ('state', models.CharField(choices=[('held', 'Held'), ('taken', 'Taken'), ('released', 'Released')], default='held', max_length=20)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('wallet', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='billing.wallet')),
            ],
            options={
                'db_table': 'holds',
                'indexes': [models.Index(fields=['wallet'], name='billing_hold_of_wallet')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('amount__lt', Decimal('100000000000000'))), name='billing_hold_amount_positive'), models.CheckConstraint(condition=models.Q(('state__in', ['held', 'taken', 'released'])), name='billing_hold_state_known'), models.CheckConstraint(condition=models.Q(('reason__in', ['refund', 'dispute'])), name='billing_hold_reason_known'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'held')), models.Q(models.Q(('state', 'held'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='billing_hold_decided_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Receivable',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('dispute_lost', 'Dispute Lost'), ('refunded_elsewhere', 'Refunded Elsewhere')], max_length=30)),
                ('reference', models.CharField(max_length=64, unique=True)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=18)),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('payment_log', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receivables', to='payments.paymentlog')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receivables', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'receivables',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('amount__lt', Decimal('100000000000000'))), name='billing_receivable_amount_positive'), models.CheckConstraint(condition=models.Q(('reason__in', ['dispute_lost', 'refunded_elsewhere'])), name='billing_receivable_reason_known')],
            },
        ),
        KeepUndecided('holds'),
    ]

# Credits that a person gives or takes by hand.

import django.db.models.deletion
import namaskah.identifiers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from billing.migrations._undecided import KeepUndecided


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_hold_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditAdjustment',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=40, unique=True)),
                ('idempotency_key', models.UUIDField()),
                ('amount', models.DecimalField(decimal_places=4, max_digits=18)),
                ('reason_code', models.CharField(choices=[('goodwill', 'Goodwill'), ('correction', 'Correction')], max_length=20)),
                ('note', models.CharField(max_length=300)),
                ('ticket', models.CharField(max_length=100)),
                ('needs_approval', models.BooleanField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decision_comment', models.CharField(blank=True, max_length=300)),
                ('state', models.CharField(choices=[('awaiting_approval', 'Awaiting Approval'), ('posted', 'Posted'), ('rejected', 'Rejected')], max_length=20)),
                ('request_id', models.CharField(blank=True, max_length=36)),
                ('created_at', models.DateTimeField()),
                ('decided_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ledger_entry', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='adjustment', to='billing.transaction')),
                ('requested_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'credit_adjustments',
                'permissions': [('request_adjustment', 'Can ask for a manual credit or debit'), ('approve_adjustment', 'Can approve or reject a manual credit or debit of another person')],
                'indexes': [models.Index(condition=models.Q(('state', 'awaiting_approval')), fields=['created_at'], name='billing_adjustment_waiting'), models.Index(fields=['requested_by', 'created_at'], name='billing_adjustment_of_person')],
                'constraints': [models.UniqueConstraint(fields=('requested_by', 'idempotency_key'), name='billing_adjustment_key_once'), models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('-100000000000000')), ('amount__lt', Decimal('100000000000000')), models.Q(('amount', 0), _negated=True)), name='billing_adjustment_amount_in_limits'), models.CheckConstraint(condition=models.Q(('state__in', ['awaiting_approval', 'posted', 'rejected'])), name='billing_adjustment_state_known'), models.CheckConstraint(condition=models.Q(('reason_code__in', ['goodwill', 'correction'])), name='billing_adjustment_reason_known'), models.CheckConstraint(condition=models.Q(models.Q(('note', ''), _negated=True), models.Q(('ticket', ''), _negated=True)), name='billing_adjustment_says_why'), models.CheckConstraint(condition=models.Q(('reference__regex', '^adj-[0-9a-z]{36}$')), name='billing_adjustment_reference_form'), models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(('requested_by', models.F('decided_by')), _negated=True), _connector='OR'), name='billing_adjustment_two_persons'), models.CheckConstraint(condition=models.Q(models.Q(('requested_by', models.F('user')), _negated=True), models.Q(('decided_by__isnull', True), models.Q(('decided_by', models.F('user')), _negated=True), _connector='OR')), name='billing_adjustment_of_another_person'), models.CheckConstraint(condition=models.Q(('needs_approval', False), ('state', 'awaiting_approval'), ('decided_by__isnull', False), _connector='OR'), name='billing_adjustment_waits_for_decision'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='billing_adjustment_decision_has_time'), models.CheckConstraint(condition=models.Q(models.Q(('ledger_entry__isnull', False), ('state', 'posted')), models.Q(models.Q(('state', 'posted'), _negated=True), ('ledger_entry__isnull', True)), _connector='OR'), name='billing_adjustment_posted_has_entry')],
            },
        ),
        KeepUndecided('credit_adjustments'),
    ]

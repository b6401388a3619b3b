# Refunds and disputes.

import django.db.models.deletion
import namaskah.identifiers
import namaskah.states
from decimal import Decimal
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from billing.migrations._undecided import KeepUndecided


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_hold_rules'),
        ('payments', '0002_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('gateway_dispute_id', models.BigIntegerField(unique=True)),
                ('category', models.CharField(blank=True, max_length=60)),
                ('amount_minor', models.BigIntegerField()),
                ('credit_amount', models.DecimalField(decimal_places=4, max_digits=18)),
                ('state', namaskah.states.StateField(choices=[('open', 'Open'), ('lost', 'Lost'), ('won', 'Won'), ('review', 'Review')], default='open', max_length=20, protected=True)),
                ('state_transitions', models.JSONField(default=list)),
                ('lock_version', models.PositiveIntegerField(default=0)),
                ('gateway_status', models.CharField(max_length=60)),
                ('resolution', models.CharField(blank=True, max_length=60)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'disputes',
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=40, unique=True)),
                ('idempotency_key', models.UUIDField(blank=True, null=True)),
                ('amount_minor', models.BigIntegerField()),
                ('credit_amount', models.DecimalField(decimal_places=4, max_digits=18)),
                ('reason', models.CharField(max_length=300)),
                ('needs_approval', models.BooleanField(default=False)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decision_comment', models.CharField(blank=True, default='', max_length=300)),
                ('state', namaskah.states.StateField(choices=[('awaiting_approval', 'Awaiting Approval'), ('approved', 'Approved'), ('submitting', 'Submitting'), ('unknown', 'Unknown'), ('submitted', 'Submitted'), ('needs_attention', 'Needs Attention'), ('processed', 'Processed'), ('failed', 'Failed'), ('rejected', 'Rejected')], max_length=20, protected=True)),
                ('state_transitions', models.JSONField(default=list)),
                ('lock_version', models.PositiveIntegerField(default=0)),
                ('gateway_refund_id', models.BigIntegerField(blank=True, null=True)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('next_check_at', models.DateTimeField(blank=True, null=True)),
                ('checks', models.PositiveSmallIntegerField(default=0)),
                ('error_code', models.CharField(blank=True, max_length=60)),
                ('error_message', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'refunds',
                'permissions': [('approve_refund', 'Can approve or reject a refund of another person')],
            },
        ),
        # Neither way reads every payment under a lock that stops them all: 0007 validates the new rule, and no row
        # breaks the old one when it comes back.
        migrations.RunSQL(
            "ALTER TABLE payment_logs DROP CONSTRAINT payments_paymentlog_refunds_within_amount",
            "ALTER TABLE payment_logs ADD CONSTRAINT payments_paymentlog_refunds_within_amount "
            "CHECK (amount_refunded_minor >= 0 AND amount_refunded_minor <= amount_minor) NOT VALID",
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='paymentlog',
                    name='payments_paymentlog_refunds_within_amount',
                ),
            ],
        ),
        AddConstraintNotValid(
            model_name='paymentlog',
            constraint=models.CheckConstraint(condition=models.Q(('amount_refunded_minor__gte', 0), models.Q(('amount_refunded_minor__lte', models.F('amount_minor')), ('amount_refunded_minor__lte', models.F('amount_paid_minor')), _connector='OR')), name='payments_paymentlog_refunds_within_amount'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='hold',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.hold'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='ledger_entry',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.transaction'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='payments.paymentlog'),
        ),
        migrations.AddField(
            model_name='refund',
            name='decided_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='refund',
            name='hold',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.hold'),
        ),
        migrations.AddField(
            model_name='refund',
            name='ledger_entry',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.transaction'),
        ),
        migrations.AddField(
            model_name='refund',
            name='payment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='payments.paymentlog'),
        ),
        migrations.AddField(
            model_name='refund',
            name='requested_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='refund',
            name='reversal',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.transaction'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(condition=models.Q(('state__in', ['open', 'review'])), fields=['due_at'], name='payments_dispute_undecided'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'lost', 'won', 'review'])), name='payments_dispute_state_known'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0), ('gateway_dispute_id__gt', 0), ('credit_amount__gte', 0), ('credit_amount__lt', Decimal('100000000000000'))), name='payments_dispute_amounts_positive'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['payment'], name='payments_refund_of_payment'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('next_check_at__isnull', False)), fields=['next_check_at'], name='payments_refund_to_check'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('requested_by', 'idempotency_key'), name='payments_refund_key_once'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(condition=models.Q(('gateway_refund_id__isnull', False)), fields=('gateway_refund_id',), name='payments_refund_gateway_refund_once'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('submitting', 'unknown'))), fields=('payment',), name='payments_refund_one_in_doubt'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['awaiting_approval', 'approved', 'submitting', 'unknown', 'submitted', 'needs_attention', 'processed', 'failed', 'rejected'])), name='payments_refund_state_known'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0), ('credit_amount__gte', 0), ('credit_amount__lt', Decimal('100000000000000'))), name='payments_refund_amounts_positive'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='payments_refund_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('reference__regex', '^rfd-[0-9a-z]{36}$')), name='payments_refund_reference_form'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('needs_approval', False), ('decided_by__isnull', True), ('requested_by__isnull', True), models.Q(('requested_by', models.F('decided_by')), _negated=True), _connector='OR'), name='payments_refund_two_persons'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('needs_approval', False), ('state', 'awaiting_approval'), ('decided_by__isnull', False), _connector='OR'), name='payments_refund_waits_for_decision'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='payments_refund_decision_has_time'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('decision_comment', ''), ('decided_by__isnull', False), _connector='OR'), name='payments_refund_comment_of_decision'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('failed', 'rejected')), _negated=True), ('ledger_entry__isnull', True), ('reversal__isnull', False), _connector='OR'), name='payments_refund_without_money_without_credits'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('reversal__isnull', True), models.Q(('ledger_entry__isnull', False), ('state', 'failed')), _connector='OR'), name='payments_refund_reversal_of_failed_only'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['submitted', 'processed']), _negated=True), ('gateway_refund_id__isnull', False), _connector='OR'), name='payments_refund_submitted_is_known_there'),
        ),
        # On the way back the old rule must hold, which knew no refund of more than was asked for; another rule lets no
        # sum shrink. Only payments with refunds are concerned, which are found without reading the others.
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "SET CONSTRAINTS ALL IMMEDIATE; "
            "ALTER TABLE payment_logs DISABLE TRIGGER payment_logs_change_by_rule; "
            "UPDATE payment_logs SET amount_refunded_minor = amount_minor, lock_version = lock_version + 1 "
            "WHERE amount_refunded_minor > amount_minor AND id IN (SELECT payment_id FROM refunds); "
            "ALTER TABLE payment_logs ENABLE TRIGGER payment_logs_change_by_rule; "
            "SET CONSTRAINTS ALL DEFERRED",
        ),
        KeepUndecided('refunds', 'disputes'),
    ]

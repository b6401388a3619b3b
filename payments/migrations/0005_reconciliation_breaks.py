# Differences between the books.

import django.db.models.deletion
import namaskah.identifiers
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0004_refund_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReconciliationBreak',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('missing_here', 'Missing Here'), ('missing_there', 'Missing There'), ('amount', 'Amount'), ('currency', 'Currency'), ('state', 'State'), ('duplicate', 'Duplicate')], max_length=20)),
                ('subject', models.CharField(max_length=100)),
                ('ours', models.CharField(max_length=200)),
                ('theirs', models.CharField(max_length=200)),
                ('state', models.CharField(choices=[('open', 'Open'), ('repaired', 'Repaired'), ('gone', 'Gone'), ('dismissed', 'Dismissed')], default='open', max_length=20)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('dismissal_note', models.CharField(blank=True, max_length=300)),
                ('dismissed_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='breaks', to='payments.paymentlog')),
            ],
            options={
                'db_table': 'reconciliation_breaks',
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('kind', 'subject'), name='payments_break_open_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['missing_here', 'missing_there', 'amount', 'currency', 'state', 'duplicate'])), name='payments_break_kind_known'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'repaired', 'gone', 'dismissed'])), name='payments_break_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='payments_break_closed_has_time'), models.CheckConstraint(condition=models.Q(models.Q(('dismissed_by__isnull', False), ('state', 'dismissed'), models.Q(('dismissal_note', ''), _negated=True)), models.Q(models.Q(('state', 'dismissed'), _negated=True), ('dismissal_note', ''), ('dismissed_by__isnull', True)), _connector='OR'), name='payments_break_dismissed_says_who_and_why')],
            },
        ),
    ]

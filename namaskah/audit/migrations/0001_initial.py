import django.db.models.deletion
import namaskah.identifiers
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(max_length=60)),
                ('subject', models.CharField(max_length=150)),
                ('outcome', models.CharField(choices=[('done', 'Done'), ('refused', 'Refused')], default='done', max_length=20)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('before', models.JSONField(blank=True, null=True)),
                ('after', models.JSONField(blank=True, null=True)),
                ('address', models.CharField(blank=True, max_length=50)),
                ('request_id', models.CharField(blank=True, max_length=36)),
                ('created_at', models.DateTimeField()),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'db_table': 'audit_log',
                'permissions': [('export_rows', 'Can export lists to files'), ('add_staff_note', 'Can write notes')],
                'indexes': [models.Index(fields=['subject', 'created_at'], name='audit_auditentry_of_subject')],
                'constraints': [models.CheckConstraint(condition=models.Q(('outcome__in', ['done', 'refused'])), name='audit_auditentry_outcome_known'), models.CheckConstraint(condition=models.Q(models.Q(('action', ''), _negated=True), models.Q(('subject', ''), _negated=True)), name='audit_auditentry_says_what')],
            },
        ),
        migrations.CreateModel(
            name='FormToken',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'form_tokens',
                'indexes': [models.Index(fields=['created_at'], name='audit_formtoken_age')],
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.UUIDField(default=namaskah.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=100)),
                ('text', models.CharField(max_length=2000)),
                ('created_at', models.DateTimeField()),
                ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'notes',
                'indexes': [models.Index(fields=['subject', 'created_at'], name='audit_note_of_subject'), models.Index(fields=['-created_at', '-id'], name='audit_note_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('text', ''), _negated=True), models.Q(('subject', ''), _negated=True)), name='audit_note_says_something')],
            },
        ),
    ]

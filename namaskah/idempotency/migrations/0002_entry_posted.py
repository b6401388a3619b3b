# Debits and reversals have a recovery point of their own.

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Only keys that still hold an answer are looked for.
        migrations.RemoveIndex(model_name='idempotencykey', name='idempotency_key_expiry'),
        migrations.AddIndex(
            model_name='idempotencykey',
            index=models.Index(
                condition=models.Q(('response_body__isnull', False)),
                fields=['expires_at'],
                name='idempotency_key_purgeable',
            ),
        ),
        migrations.RemoveConstraint(
            model_name='idempotencykey',
            name='idempotency_idempotencykey_point_known',
        ),
        # On the way back the old constraint must hold: both points say that something was written.
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "UPDATE idempotency_keys SET recovery_point = 'gateway_called' WHERE recovery_point = 'entry_posted'",
        ),
        migrations.AlterField(
            model_name='idempotencykey',
            name='recovery_point',
            field=models.CharField(choices=[('started', 'Started'), ('payment_created', 'Payment Created'), ('gateway_called', 'Gateway Called'), ('entry_posted', 'Entry Posted'), ('finished', 'Finished')], default='started', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.CheckConstraint(condition=models.Q(('recovery_point__in', ['started', 'payment_created', 'gateway_called', 'entry_posted', 'finished'])), name='idempotency_idempotencykey_point_known'),
        ),
    ]

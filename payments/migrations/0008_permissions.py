from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0007_refunds_within_amount_valid'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='paymentlog',
            options={'permissions': [('request_refund', 'Can request a refund'), ('verify_payment', 'Can have Paystack asked anew')]},
        ),
        migrations.AlterModelOptions(
            name='reconciliationbreak',
            options={'permissions': [('dismiss_break', 'Can dismiss a break')]},
        ),
        migrations.AlterModelOptions(
            name='webhookevent',
            options={'permissions': [('replay_event', 'Can replay an event'), ('dismiss_event', 'Can give up a dead letter')]},
        ),
    ]

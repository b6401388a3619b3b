from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_collected_receivables'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='exchangerate',
            options={'permissions': [('set_exchange_rate', 'Can set what a dollar costs from now on')]},
        ),
    ]

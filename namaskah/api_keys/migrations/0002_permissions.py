from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('api_keys', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='apikey',
            options={'permissions': [('issue_key', 'Can issue a key'), ('revoke_key', 'Can revoke a key')], 'verbose_name': 'API key'},
        ),
    ]

# What a subject is a part of, with an index of those that are.

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built beside what is written meanwhile.
    atomic = False

    dependencies = [("audit", "0002_rules")]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="part_of",
            field=models.CharField(blank=True, db_default="", default="", max_length=150),
        ),
        AddIndexConcurrently(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("part_of", ""), _negated=True),
                fields=["part_of", "created_at"],
                name="audit_auditentry_of_whole",
            ),
        ),
    ]

# What the staff search and filter payments by. Without long locks: purchases go on meanwhile.

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0009_roles")]

    operations = [
        migrations.AlterModelOptions(
            name="paymentlog",
            options={
                "verbose_name": "payment",
                "permissions": [
                    ("request_refund", "Can request a refund"),
                    ("verify_payment", "Can have Paystack asked anew"),
                ],
            },
        ),
        *(
            AddIndexConcurrently("paymentlog", index)
            for index in (
                models.Index(name="payments_paymentlog_newest", fields=["-created_at", "-id"]),
                models.Index(Lower("email"), F("created_at").desc(), F("id").desc(), name="payments_paymentlog_of_email"),
                models.Index(name="payments_paymentlog_of_amount", fields=["amount_usd", "-created_at", "-id"]),
                models.Index(name="payments_paymentlog_of_minor", fields=["amount_minor", "-created_at", "-id"]),
                models.Index(
                    name="payments_paymentlog_of_state",
                    fields=["state", "-created_at", "-id"],
                    condition=~Q(state="completed"),
                ),
            )
        ),
    ]

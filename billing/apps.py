"""The billing app: wallets, ledger and exchange rates."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """What money means to a customer: wallets, ledger, exchange rates. Knows no gateway."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

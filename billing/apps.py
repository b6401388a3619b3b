"""The billing app: wallets, ledger and exchange rates."""

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class BillingConfig(AppConfig):
    """What money means to a customer: wallets, ledger, exchange rates. Knows no gateway."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Guard the way back of migrations."""
        from billing.migrations._undecided import refuse_before_anything_goes  # noqa: PLC0415 -- needs loaded apps

        pre_migrate.connect(refuse_before_anything_goes, sender=self, dispatch_uid="billing.keep_undecided")

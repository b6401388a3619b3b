"""The payments app: money in through Paystack."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Money in and back out through Paystack."""

    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have refunds counted beside adjustments."""
        from billing.services import daily_totals  # noqa: PLC0415 -- its models are there only now
        from payments.services import refunds  # noqa: PLC0415 -- as above

        daily_totals.count_too(refunds.sum_sent_alone)

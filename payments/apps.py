"""The payments app: money in through Paystack."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Money in and back out through Paystack."""

    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

"""The idempotency app."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """Idempotency keys of API clients."""

    name = "namaskah.idempotency"
    label = "idempotency"
    verbose_name = "Idempotency keys"
    default_auto_field = "django.db.models.BigAutoField"

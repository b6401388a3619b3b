"""The api_keys app."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """API keys of clients."""

    name = "namaskah.api_keys"
    label = "api_keys"
    verbose_name = "API keys"

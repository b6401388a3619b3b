"""The app that owns the description's page and its static files."""

from django.apps import AppConfig


class OpenapiConfig(AppConfig):
    """The description of the API."""

    name = "namaskah.openapi"
    label = "openapi"

"""The observability app: sets the logs up."""

import logging

from celery.signals import setup_logging
from django.apps import AppConfig
from django.conf import settings

from namaskah import checks  # noqa: F401 -- registers the checks
from namaskah.observability import (
    logs,
    task_context,  # noqa: F401 -- connects its signals
)


class ObservabilityConfig(AppConfig):
    """Request ids, logs, health and heartbeats."""

    name = "namaskah.observability"
    label = "observability"

    def ready(self) -> None:
        """Set the logs up, in Celery's processes too."""
        # A level that is none is refused by the checks, in one line; logging must not die of it before.
        is_known = settings.LOG_LEVEL in logging.getLevelNamesMapping()
        logs.configure(settings.LOG_LEVEL if is_known else "INFO")
        setup_logging.connect(_keep_our_logs, weak=False)


def _keep_our_logs(**_: object) -> None:
    """Being connected is what keeps Celery from setting logs up itself."""

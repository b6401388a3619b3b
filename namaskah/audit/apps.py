"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit log, notes and form tokens."""

    name = "namaskah.audit"
    label = "audit"
    verbose_name = "Audit"

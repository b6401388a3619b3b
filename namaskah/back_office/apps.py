"""The back office's apps: ours, and Django's admin with our site in it."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AppConfig):
    """Notes log-ins from the start on."""

    name = "namaskah.back_office"

    def ready(self) -> None:
        """Listen to log-ins."""
        from namaskah.back_office import log_ins  # noqa: PLC0415 -- its models are there only now

        log_ins.listen()


class BackOfficeAdminConfig(AdminConfig):
    """Makes our site the one that pages register with."""

    default_site = "namaskah.back_office.site.BackOffice"

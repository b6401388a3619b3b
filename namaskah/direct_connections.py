"""Database sessions past any pooler, which would hand a lock of a session to whoever comes next."""

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from environ import Env


def open_direct_connection() -> BaseDatabaseWrapper:
    """Return a session of its own, which the caller closes."""
    connection = connections.create_connection("default")
    if settings.DIRECT_DATABASE_URL != settings.DATABASE_URL:
        direct = Env.db_url_config(settings.DIRECT_DATABASE_URL)
        pooled = connection.settings_dict
        place = {name: direct[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
        options = {**pooled["OPTIONS"], **direct.get("OPTIONS", {})}
        connection.settings_dict = {**pooled, **place, "OPTIONS": options}
    return connection

"""Signs of life, to look at."""

from django.contrib import admin

from namaskah.observability.models import Heartbeat
from namaskah.read_only_admin import ReadOnlyAdmin


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each kind of process last showed that it lives."""

    list_display = ["name", "beat_at"]

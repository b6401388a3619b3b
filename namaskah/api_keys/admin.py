"""API keys, to look at."""

from django.contrib import admin

from namaskah.api_keys.models import ApiKey
from namaskah.read_only_admin import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Which client has which keys."""

    list_display = ["name", "user", "last_four", "created", "expiry", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "last_four"]
    exclude = ["digest", "token_key"]
    ordering = ["-created"]

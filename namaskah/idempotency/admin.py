"""Idempotency keys, to look at."""

from django.contrib import admin

from namaskah.idempotency.models import IdempotencyKey
from namaskah.read_only_admin import ReadOnlyAdmin


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """How far each keyed request came."""

    list_display = ["key", "user", "route", "recovery_point", "response_status", "replays", "created_at", "expires_at"]
    list_filter = ["recovery_point", "response_status"]
    list_select_related = ["user"]
    search_fields = ["=key", "resource"]
    exclude = ["response_body", "owner_token", "field_digests"]
    ordering = ["-id"]

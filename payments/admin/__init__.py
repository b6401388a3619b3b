"""Payments, events and gateway calls, to look at."""

from django.contrib import admin

from namaskah.read_only_admin import ReadOnlyAdmin
from payments.models import GatewayCall, PaymentLog, WebhookAttempt, WebhookEvent


@admin.register(PaymentLog)
class PaymentLogAdmin(ReadOnlyAdmin):
    """Every purchase."""

    list_display = [
        "reference",
        "user",
        "state",
        "amount_usd",
        "amount_minor",
        "currency",
        "review_reason",
        "created_at",
    ]
    list_filter = ["state", "currency", "review_reason"]
    list_select_related = ["user"]
    search_fields = ["reference", "email", "user__username"]
    ordering = ["-id"]


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """The inbox and the dead letters."""

    list_display = ["event_type", "reference", "status", "attempts", "deliveries", "error_class", "received_at"]
    list_filter = ["status", "event_type"]
    search_fields = ["reference"]
    exclude = ["body", "body_sha256"]
    ordering = ["-id"]


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    """Attempts that failed or were asked for."""

    list_display = ["event", "number", "outcome", "error_class", "trigger", "started_at"]
    list_filter = ["outcome", "trigger"]
    list_select_related = ["event"]
    ordering = ["-id"]


@admin.register(GatewayCall)
class GatewayCallAdmin(ReadOnlyAdmin):
    """What was asked of Paystack and what it said."""

    list_display = ["operation", "reference", "outcome", "error_code", "started_at", "finished_at"]
    list_filter = ["operation", "outcome"]
    search_fields = ["reference"]
    ordering = ["-id"]

"""Payments, their refunds and disputes, events and gateway calls, to look at."""

from django.contrib import admin

from namaskah.read_only_admin import ReadOnlyAdmin
from payments.models import (
    Dispute,
    GatewayCall,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)


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


@admin.register(ReviewDecision)
class ReviewDecisionAdmin(ReadOnlyAdmin):
    """How reviews ended."""

    list_display = ["payment", "review_reason", "outcome", "decided_by", "note", "created_at"]
    list_filter = ["outcome", "review_reason"]
    list_select_related = ["payment", "decided_by"]
    search_fields = ["payment__reference"]
    ordering = ["-id"]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money on its way back."""

    list_display = ["reference", "payment", "state", "amount_minor", "credit_amount", "requested_by", "created_at"]
    list_filter = ["state", "needs_approval"]
    list_select_related = ["payment", "requested_by"]
    search_fields = ["reference", "payment__reference", "gateway_refund_id"]
    ordering = ["-id"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """What payers' banks claim back, the nearest deadline first."""

    list_display = ["gateway_dispute_id", "payment", "state", "due_at", "amount_minor", "credit_amount", "resolution"]
    list_filter = ["state", "resolution"]
    list_select_related = ["payment"]
    search_fields = ["gateway_dispute_id", "payment__reference"]
    ordering = ["due_at", "-id"]


@admin.register(ReconciliationBreak)
class ReconciliationBreakAdmin(ReadOnlyAdmin):
    """Where the gateway's books and ours differ, the oldest first."""

    list_display = ["kind", "subject", "state", "ours", "theirs", "first_seen_at", "last_seen_at"]
    list_filter = ["state", "kind"]
    search_fields = ["subject"]
    ordering = ["first_seen_at"]


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

"""Idempotency keys, to look at: what a client's request was, and how far it came."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display

from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    BUSY,
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    link,
    show_label,
    show_reference,
    show_time,
)
from namaskah.back_office.filters import ChoiceFilter
from namaskah.back_office.object_pages import ObjectPage
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint

_MEANINGS: Final = {
    RecoveryPoint.STARTED: "Nothing has happened yet.",
    RecoveryPoint.PAYMENT_CREATED: "The payment is stored; the gateway was not asked yet.",
    RecoveryPoint.GATEWAY_CALLED: "The gateway was asked; its answer is not stored yet.",
    RecoveryPoint.ENTRY_POSTED: "The ledger entry is posted; the answer is not stored yet.",
    RecoveryPoint.REFUND_CREATED: "The refund is stored; the answer is not yet.",
    RecoveryPoint.FINISHED: "Done: the same request gets the stored answer again.",
}
_ANSWERS: Final = {"2": (200, 300), "4": (400, 500), "5": (500, 600)}


def label_state(key: IdempotencyKey) -> Label:
    """Return whether the request is done, is running, or waits to be sent again."""
    now = timezone.now()
    if key.expires_at <= now:
        return Label("Expired", QUIET, "The same key may be used for something else.")
    if key.recovery_point == RecoveryPoint.FINISHED:
        return Label("Finished", GOOD, _MEANINGS[RecoveryPoint.FINISHED])
    if key.is_held(now=now):
        return Label("Running", BUSY, "A request with this key is being worked on.")
    return Label("Broken off", CARE, "The same request, sent again, goes on where this one stopped.")


class AnswerFilter(ChoiceFilter):
    """What was answered."""

    title = "answer"
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the kinds of answers."""
        del request, model_admin
        return [("none", "None yet"), ("2", "Done (2xx)"), ("4", "Refused (4xx)"), ("5", "Failed (5xx)")]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the keys of one kind of answer."""
        if value == "none":
            return queryset.filter(response_status=None)
        first, end = _ANSWERS[value]
        return queryset.filter(response_status__gte=first, response_status__lt=end)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ObjectPage):
    """How far each keyed request came."""

    list_display = [
        "key",
        "user",
        "shown_request",
        "shown_state",
        "recovery_point",
        "replays",
        "shown_created",
        "shown_end",
    ]
    list_filter = ["recovery_point", AnswerFilter]
    list_select_related = ["user"]
    search_fields = ["key"]
    search_help_text = "The whole key, the reference that it made, or the beginning of a username"
    ordering = ["-id"]
    empty_sentence = "No client has sent a key yet."
    page_template = "back_office/object.html"

    @display(description="Request")
    def shown_request(self, key: IdempotencyKey) -> str:
        """How it began: method and address."""
        return f"{key.method} {key.route}"

    @display(description="State")
    def shown_state(self, key: IdempotencyKey) -> str:
        """Whether it is done."""
        return show_label(label_state(key))

    @display(description="First used", ordering="created_at")
    def shown_created(self, key: IdempotencyKey) -> str:
        """How long ago the key was first used."""
        return show_time(key.created_at)

    @display(description="Expires", ordering="expires_at")
    def shown_end(self, key: IdempotencyKey) -> str:
        """When the key may be used anew."""
        return show_time(key.expires_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        """Read keys with their users, and without the stored answers."""
        keys: QuerySet[IdempotencyKey] = super().get_queryset(request)
        return keys.select_related("user").defer("response_body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[IdempotencyKey], search_term: str
    ) -> tuple[QuerySet[IdempotencyKey], bool]:
        """Find a key by itself, by what it made, or by whose it is."""
        del request
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        try:
            return queryset.filter(key=UUID(term)), False
        except ValueError:
            return queryset.filter(Q(resource=term) | Q(user__username__istartswith=term)), False

    def describe(self, request: HttpRequest, row: IdempotencyKey) -> dict[str, Any]:
        """Show how far it came; never the stored answer."""
        name = row.user.get_username()
        may_see_account = request.user.has_perm("auth.view_user")
        facts = [
            Fact("State", label_state(row)),
            Fact(
                "Recovery point", f"{row.get_recovery_point_display()}: {_MEANINGS[RecoveryPoint(row.recovery_point)]}"
            ),
            Fact(
                "Account",
                link(name, reverse("admin:auth_user_change", args=[row.user_id])) if may_see_account else name,
            ),
            Fact("Request", f"{row.method} {row.route}"),
            Fact("Made", show_reference(row.resource) if row.resource else EMPTY),
            Fact("Answered with", row.response_status or EMPTY),
            Fact("Answered again", f"{row.replays} times"),
            Fact("First used", show_time(row.created_at)),
            Fact("Expires", show_time(row.expires_at)),
        ]
        return {"title": f"Idempotency key {row.key}", "facts": facts}

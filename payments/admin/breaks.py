"""Breaks: where the gateway's books and ours differ."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Case, OrderBy, QuerySet, Value, When
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.cases import link_to_payment
from namaskah.back_office.action_pages import ActionPage, Fact, get_member
from namaskah.back_office.columns import EMPTY, show_exact_time, show_label, show_reference, show_time
from namaskah.back_office.filters import ChoiceFilter
from namaskah.back_office.object_pages import ObjectPage
from payments.admin.break_actions import DismissBreak, HandBackBreak, TakeBreak
from payments.admin.break_words import KINDS, STATES, list_sides, show_assignee, show_side
from payments.lifecycles import BreakKind, BreakState
from payments.models import ReconciliationBreak
from payments.services import reconciliation

_REPAIRABLE: Final = (
    "Whoever runs the product can repair it with `reconcile_payments --fix`, if Paystack's word is enough; else settle "
    "it with Paystack or the customer. Dismiss it once it is settled in another way."
)
_FOR_A_PERSON: Final = (
    "Nothing repairs it by itself: compare the payment's page with Paystack's dashboard, settle it with Paystack or "
    "the customer, and dismiss it then, saying how it was settled."
)
_CLOSED: Final = "It is closed. Nothing is to be done; a new difference about it would be a new break."
_MINE: Final = "mine"
_NOBODYS: Final = "nobody"


class AssigneeFilter(ChoiceFilter):
    """By who works on it."""

    title = "who works on it"
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer one's own, and those that wait for somebody."""
        return [(_MINE, "I do"), (_NOBODYS, "Nobody")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Narrow the list, knowing who looks."""
        self._viewer = get_member(request)
        return super().queryset(request, queryset)

    def narrow(self, queryset: "QuerySet[Any]", value: str) -> "QuerySet[Any]":
        """Return one's own, or nobody's."""
        return queryset.filter(assigned_to=self._viewer if value == _MINE else None)


@admin.register(ReconciliationBreak)
class ReconciliationBreakAdmin(ObjectPage):
    """Where the gateway's books and ours differ: the open ones first, the oldest of them on top."""

    list_display = [
        "shown_age",
        "shown_state",
        "shown_kind",
        "shown_subject",
        "shown_ours",
        "shown_theirs",
        "shown_assignee",
    ]
    list_filter = ["state", "kind", AssigneeFilter]
    list_select_related = ["payment", "dismissed_by", "assigned_to"]
    search_fields = ["subject", "payment__reference"]
    search_help_text = "Reference of the payment, or number of the refund or dispute"
    ordering: ClassVar = [
        OrderBy(Case(When(state=BreakState.OPEN, then=Value(0)), default=Value(1))),
        "first_seen_at",
        "id",
    ]
    empty_sentence = "Paystack's books and ours have never differed."
    page_template = "back_office/object.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [TakeBreak, HandBackBreak, DismissBreak]

    @display(description="First seen", ordering="first_seen_at")
    def shown_age(self, found: ReconciliationBreak) -> str:
        """How long it has been there."""
        return show_time(found.first_seen_at)

    @display(description="State", ordering="state")
    def shown_state(self, found: ReconciliationBreak) -> str:
        """Its state in words."""
        return show_label(STATES[BreakState(found.state)])

    @display(description="What", ordering="kind")
    def shown_kind(self, found: ReconciliationBreak) -> str:
        """How the books differ."""
        return KINDS[BreakKind(found.kind)]

    @display(description="About", ordering="subject")
    def shown_subject(self, found: ReconciliationBreak) -> str:
        """Return what they differ about."""
        return show_reference(found.subject)

    @display(description="We say")
    def shown_ours(self, found: ReconciliationBreak) -> str:
        """Our side."""
        return show_side(found.ours, found)

    @display(description="Paystack says")
    def shown_theirs(self, found: ReconciliationBreak) -> str:
        """Return the gateway's side."""
        return show_side(found.theirs, found)

    @display(description="Who works on it")
    def shown_assignee(self, found: ReconciliationBreak) -> str:
        """Who works on it."""
        return show_assignee(found)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconciliationBreak]:
        """Read breaks with all that is shown of them, in one query."""
        found: QuerySet[ReconciliationBreak] = super().get_queryset(request)
        return found.select_related("payment", "dismissed_by", "assigned_to")

    def describe(self, request: HttpRequest, row: ReconciliationBreak) -> dict[str, Any]:
        """Tell what both sides say, since when, and how it ended."""
        del request
        to_do = _REPAIRABLE if reconciliation.is_repairable(row) else _FOR_A_PERSON
        facts = [
            Fact("State", STATES[BreakState(row.state)]),
            *list_sides(row),
            Fact("Payment", link_to_payment(row.payment_id, row.payment.reference if row.payment else "")),
            Fact("Last seen", show_exact_time(row.last_seen_at)),
            Fact("Closed", show_exact_time(row.closed_at) if row.closed_at else EMPTY),
            Fact("Dismissed by", row.dismissed_by.get_username() if row.dismissed_by else EMPTY),
            Fact("Because", row.dismissal_note or EMPTY),
        ]
        return {
            "title": f"Break: {row.subject}",
            "facts": facts,
            "explanation": to_do if row.state == BreakState.OPEN else _CLOSED,
        }

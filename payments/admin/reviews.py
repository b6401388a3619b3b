"""How reviews ended, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.cases import link_to_customer, link_to_payment
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    GOOD,
    QUIET,
    Label,
    as_sentence,
    show_exact_time,
    show_label,
    show_short_reference,
    show_time,
)
from namaskah.back_office.filters import ChoiceFilter, DayRangeFilter
from namaskah.back_office.object_pages import ObjectPage
from payments.lifecycles import ReviewOutcome, ReviewReason
from payments.models import ReviewDecision
from payments.services.explanations import REVIEWS

_OUTCOMES = {
    ReviewOutcome.CREDITED: Label("Credited", GOOD, "What was really paid became credits."),
    ReviewOutcome.DISMISSED: Label("Dismissed", QUIET, "Everything was left as it was."),
}


class OutcomeFilter(ChoiceFilter):
    """By how it ended."""

    title = "outcome"
    parameter_name = "outcome__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer both."""
        return [(outcome.value, str(outcome.label)) for outcome in ReviewOutcome]


class ReasonFilter(ChoiceFilter):
    """By what it was for."""

    title = "reason"
    parameter_name = "review_reason__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer every reason."""
        return [(reason.value, str(reason.label)) for reason in ReviewReason]


class DecidedFilter(DayRangeFilter):
    """By the days on which it was decided."""

    title = "decided"
    field_name = "created_at"


@admin.register(ReviewDecision)
class ReviewDecisionAdmin(ObjectPage):
    """How reviews ended, the newest first."""

    list_display = ["shown_payment", "shown_reason", "shown_outcome", "decided_by", "note", "shown_created"]
    list_filter = [OutcomeFilter, ReasonFilter, DecidedFilter]
    list_select_related = ["payment__user", "decided_by"]
    search_fields = ["payment__reference", "decided_by__username"]
    search_help_text = "reference of the payment, or member of staff"
    ordering = ["-id"]
    sortable_by = ()
    empty_sentence = "No review has been ended by a person yet."
    page_template = "back_office/object.html"

    @display(description="Payment", ordering="payment__reference")
    def shown_payment(self, decision: ReviewDecision) -> str:
        """Return what the payment is called."""
        return show_short_reference(decision.payment.reference)

    @display(description="It was for", ordering="review_reason")
    def shown_reason(self, decision: ReviewDecision) -> str:
        """Return why a person had to look."""
        return as_sentence(ReviewReason(decision.review_reason).label)

    @display(description="Outcome", ordering="outcome")
    def shown_outcome(self, decision: ReviewDecision) -> str:
        """Return how it ended."""
        return show_label(_OUTCOMES[ReviewOutcome(decision.outcome)])

    @display(description="When", ordering="created_at")
    def shown_created(self, decision: ReviewDecision) -> str:
        """Return how long ago it was decided."""
        return show_time(decision.created_at)

    def describe(self, request: HttpRequest, row: ReviewDecision) -> dict[str, Any]:  # noqa: ARG002 -- as every page has it
        """Tell who decided what about which payment, and why."""
        reason = ReviewReason(row.review_reason)
        facts = [
            Fact("Payment", link_to_payment(row.payment_id, row.payment.reference)),
            Fact("Customer", link_to_customer(row.payment.user)),
            Fact("It was for", f"{as_sentence(reason.label)}: {REVIEWS[reason]}"),
            Fact("Outcome", _OUTCOMES[ReviewOutcome(row.outcome)]),
            Fact("Decided by", row.decided_by.get_username()),
            Fact("Why", row.note),
            Fact("When", show_exact_time(row.created_at)),
        ]
        return {"title": f"Review of {row.payment.reference}", "facts": facts}

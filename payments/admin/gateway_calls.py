"""What was asked of Paystack and what it said, to look at."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    BAD,
    CARE,
    EMPTY,
    GOOD,
    Label,
    link,
    show_exact_time,
    show_label,
    show_reference,
    show_short_reference,
    show_time,
)
from namaskah.back_office.filters import ChoiceFilter
from namaskah.back_office.object_pages import ObjectPage
from payments.admin.documents import show_json
from payments.gateways.paystack.redaction import redact
from payments.models import GatewayCall, GatewayOutcome, PaymentLog

OPERATIONS: Final = {
    "initialize": "Open a checkout page",
    "verify": "Look a payment up",
    "refund": "Send money back",
    "list_refunds": "List a payment's refunds",
    "fetch_dispute": "Look a dispute up",
}
OUTCOMES: Final = {
    GatewayOutcome.OPEN: Label("Open", CARE, "No answer is written down: it is under way, or its process died."),
    GatewayOutcome.ANSWERED: Label("Answered", GOOD, "Paystack did what it was asked."),
    GatewayOutcome.REJECTED: Label("Rejected", BAD, "Paystack said no; nothing happened there."),
    GatewayOutcome.UNAVAILABLE: Label("Unavailable", CARE, "Paystack was never reached; nothing happened there."),
    GatewayOutcome.UNKNOWN: Label("Unknown", BAD, "It was sent, and no usable answer came: it may have happened."),
}


class OperationFilter(ChoiceFilter):
    """By what was asked."""

    title = "operation"
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the questions that there are."""
        return list(OPERATIONS.items())


class OutcomeFilter(ChoiceFilter):
    """By how it ended."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer the outcomes that there are."""
        return [(outcome.value, label.text) for outcome, label in OUTCOMES.items()]


@admin.register(GatewayCall)
class GatewayCallAdmin(ObjectPage):
    """What was asked of Paystack and what it said."""

    list_display = ["shown_operation", "shown_reference", "shown_outcome", "error_code", "shown_duration", "shown_time"]
    list_filter = [OperationFilter, OutcomeFilter]
    search_fields = ["reference"]
    search_help_text = "Whole reference"
    ordering = ["-id"]
    # A million calls are not sorted for a click.
    sortable_by = ()
    page_template = "back_office/documents.html"
    empty_sentence = "Paystack was never asked anything."

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatewayCall]:
        """Read the payment with it."""
        calls: QuerySet[GatewayCall] = super().get_queryset(request)
        return calls.select_related("payment")

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        queryset: QuerySet[GatewayCall],
        search_term: str,
    ) -> tuple[QuerySet[GatewayCall], bool]:
        """Find by reference, through the payment where there is one: an index knows those."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        payment = PaymentLog.objects.filter(reference=wanted).first()
        return queryset.filter(payment=payment) if payment else queryset.filter(reference=wanted), False

    @display(description="What was asked", ordering="operation")
    def shown_operation(self, call: GatewayCall) -> str:
        """Say what the question was."""
        return OPERATIONS.get(call.operation, call.operation)

    @display(description="Reference", ordering="reference")
    def shown_reference(self, call: GatewayCall) -> str:
        """Say what it was about."""
        return show_short_reference(call.reference) if call.reference else EMPTY

    @display(description="Outcome", ordering="outcome")
    def shown_outcome(self, call: GatewayCall) -> str:
        """How it ended."""
        return show_label(OUTCOMES[GatewayOutcome(call.outcome)])

    @display(description="Lasted")
    def shown_duration(self, call: GatewayCall) -> str:
        """How long Paystack took."""
        return _tell_duration(call)

    @display(description="When", ordering="started_at")
    def shown_time(self, call: GatewayCall) -> str:
        """How long ago it was asked."""
        return show_time(call.started_at)

    def describe(self, request: HttpRequest, row: GatewayCall) -> dict[str, Any]:  # noqa: ARG002 -- as every page has it
        """Show the question and the answer."""
        answer = show_json(
            "Answer", redact(row.answer), note="What is kept of it: nothing about the payer or the card."
        )
        return {
            "title": f"{OPERATIONS.get(row.operation, row.operation)} {row.reference}",
            "explanation": OUTCOMES[GatewayOutcome(row.outcome)].explanation,
            "facts": _list_facts(row),
            "documents": [show_json("Asked", row.request), *([answer] if row.answer is not None else [])],
        }


def _list_facts(call: GatewayCall) -> list[Fact]:
    facts = [
        Fact("Outcome", OUTCOMES[GatewayOutcome(call.outcome)]),
        Fact("Payment", _link_payment(call)),
        Fact("Began", show_exact_time(call.started_at)),
        Fact("Lasted", _tell_duration(call)),
    ]
    if call.error_code:
        facts.append(Fact("Error", f"{call.error_code}: {call.error}"))
    if call.request_id:
        facts.append(Fact("Request id", show_reference(call.request_id)))
    return facts


def _link_payment(call: GatewayCall) -> str:
    if call.payment is None:
        return show_reference(call.reference) if call.reference else EMPTY
    url = reverse("admin:payments_paymentlog_change", args=[call.payment.pk])
    return link(show_reference(call.payment.reference), url)


def _tell_duration(call: GatewayCall) -> str:
    if call.finished_at is None:
        return EMPTY
    return f"{(call.finished_at - call.started_at).total_seconds():.2f} s"

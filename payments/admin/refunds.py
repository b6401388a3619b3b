"""Refunds: money on its way back, and who lets it go."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.cases import link_to_customer, link_to_entry, link_to_payment, link_to_payment_shortly
from billing.models import Transaction
from namaskah.back_office.action_pages import ActionPage, Fact
from namaskah.back_office.columns import EMPTY, keep_together, show_credits, show_label, show_short_reference, show_time
from namaskah.back_office.object_pages import ObjectPage
from namaskah.identifiers import REFUND_PREFIX, is_reference
from payments.admin.payment_words import link_to_paystack
from payments.admin.refund_actions import ApproveRefund, EndUnsentRefund, LookAtRefund, RejectRefund, list_terms
from payments.admin.refund_words import label_refund, show_money, tell_refund
from payments.models import Refund
from payments.selectors import refunds as selectors
from payments.services import refund_explanations


@admin.register(Refund)
class RefundAdmin(ObjectPage):
    """Money on its way back, the newest first."""

    list_display = [
        "shown_reference",
        "shown_payment",
        "shown_customer",
        "shown_state",
        "shown_money",
        "shown_credits",
        "requested_by",
        "shown_created",
    ]
    # The dashboard's.
    linked_lookups = frozenset({"state__in"})
    list_filter = ["state", "needs_approval"]
    exported_too = ("payment.currency",)
    search_fields = ["reference", "payment__reference", "gateway_refund_id", "payment__user__username"]
    search_help_text = "Reference of refund or payment, number at Paystack, or username"
    ordering = ["-id"]
    page_template = "back_office/object.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [ApproveRefund, RejectRefund, LookAtRefund, EndUnsentRefund]

    @display(description="Reference", ordering="reference")
    def shown_reference(self, refund: Refund) -> str:
        """Return what it is called."""
        return show_short_reference(refund.reference)

    @display(description="Payment", ordering="payment__reference")
    def shown_payment(self, refund: Refund) -> str:
        """Link to the payment whose money it is."""
        return link_to_payment_shortly(refund.payment_id, refund.payment.reference)

    @display(description="Customer", ordering="payment__user__username")
    def shown_customer(self, refund: Refund) -> str:
        """Link to the payer."""
        return link_to_customer(refund.payment.user)

    @display(description="State", ordering="state")
    def shown_state(self, refund: Refund) -> str:
        """Its state in words."""
        return show_label(label_refund(refund))

    @display(description="To the payer", ordering="amount_minor")
    def shown_money(self, refund: Refund) -> str:
        """Money that goes back."""
        return keep_together(show_money(refund))

    @display(description="Credits", ordering="credit_amount")
    def shown_credits(self, refund: Refund) -> str:
        """Credits that the wallet gives for it."""
        return show_credits(refund.credit_amount)

    @display(description="Asked", ordering="created_at")
    def shown_created(self, refund: Refund) -> str:
        """How long ago it was asked for."""
        return show_time(refund.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refund]:
        """Read refunds with all that is shown of them, in one query."""
        return selectors.with_effect(super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a refund by its id, or by its reference, under which holds and the ledger know it."""
        if is_reference(object_id, prefix=REFUND_PREFIX):
            return self.get_queryset(request).filter(reference=object_id).first()
        return super().get_object(request, object_id, from_field)

    def describe(self, request: HttpRequest, row: Refund) -> dict[str, Any]:
        """Tell what goes back, why, where it stands, and what can be done."""
        del request
        facts = [
            Fact("State", label_refund(row)),
            Fact("Payment", link_to_payment(row.payment_id, row.payment.reference)),
            Fact("Customer", link_to_customer(row.payment.user)),
            *list_terms(row),
            Fact("Decided by", _show_decision(row)),
            Fact("Number at Paystack", row.gateway_refund_id or EMPTY),
            Fact("Transaction at Paystack", link_to_paystack(row.payment) or EMPTY),
            Fact("Paystack is asked next", show_time(row.next_check_at)),
            Fact("Taken by", _show_entry(row.ledger_entry)),
            Fact("Given back by", _show_entry(row.reversal)),
        ]
        return {
            "title": f"Refund {row.reference}",
            "facts": facts,
            "explanation": refund_explanations.explain_refund(row),
            "moments": tell_refund(row),
        }


def _show_decision(refund: Refund) -> str:
    if refund.decided_by is None:
        return "nobody yet" if refund.needs_approval else "nobody: one person may send so much back"
    comment = f": {refund.decision_comment}" if refund.decision_comment else ""
    return f"{refund.decided_by.get_username()}{comment}"


def _show_entry(entry: Transaction | None) -> str:
    return EMPTY if entry is None else link_to_entry(entry.pk, entry.reference)

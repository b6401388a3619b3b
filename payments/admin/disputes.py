"""Disputes: what payers' banks claim back."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Case, F, OrderBy, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from billing.admin.cases import link_to_customer, link_to_entry, link_to_payment, link_to_payment_shortly
from billing.lifecycles import HoldState
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    BAD,
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Moment,
    keep_together,
    show_credits,
    show_duration,
    show_exact_time,
    show_label,
    show_minor,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage
from namaskah.identifiers import REFUND_PREFIX
from payments.admin.payment_words import link_to_paystack
from payments.lifecycles import DISPUTE_UNDECIDED, DisputeState
from payments.models import Dispute
from payments.services.moments import say, tell_who

_LABELS: Final = {
    DisputeState.OPEN: Label("Undecided", CARE, "It must be answered on Paystack's dashboard before the deadline."),
    DisputeState.LOST: Label("Lost", BAD, "The payer's bank took the money back, and the credits went with it."),
    DisputeState.WON: Label("Won", GOOD, "The claim was turned down; what was held is free again."),
    DisputeState.REVIEW: Label("Needs a person", BAD, "Paystack resolved it in a way that nobody foresaw."),
}
_EXPLANATIONS: Final = {
    DisputeState.OPEN: (
        "The payer's bank claims the money back. Answer it on Paystack's dashboard before the deadline: accept it, or "
        "send proof that the service was used. The credits are held until it is decided; nothing answered means lost."
    ),
    DisputeState.LOST: (
        "The payer's bank took the money back. The credits went with it, as far as they were there; the rest is owed. "
        "Nothing is to be done."
    ),
    DisputeState.WON: "The claim was turned down, the money stays, and what was held is free again.",
    DisputeState.REVIEW: (
        "Paystack calls it resolved in a way that does not tell who has the money. Look at it on Paystack's dashboard; "
        "it is asked about every day, and followed as soon as Paystack says who won."
    ),
}
_URGENT: Final = timedelta(days=2)
_REFERENCE_PREFIX: Final = f"{REFUND_PREFIX}dispute-"


@admin.register(Dispute)
class DisputeAdmin(ObjectPage):
    """What payers' banks claim back: the undecided first, and of these the nearest deadline."""

    list_display = [
        "shown_deadline",
        "shown_state",
        "shown_number",
        "shown_payment",
        "shown_customer",
        "shown_amount",
        "shown_held",
        "shown_resolution",
    ]
    # The dashboard's.
    linked_lookups = frozenset({"state__in"})
    list_filter = ["state", "resolution"]
    exported_too = ("payment.currency",)
    search_fields = ["gateway_dispute_id", "payment__reference", "payment__user__username"]
    search_help_text = "Number at Paystack, reference of the payment, or username"
    ordering: ClassVar = [
        OrderBy(Case(When(state__in=DISPUTE_UNDECIDED, then=Value(0)), default=Value(1))),
        F("due_at").asc(nulls_last=True),
        "-id",
    ]
    page_template = "back_office/object.html"

    @display(description="Deadline", ordering="due_at")
    def shown_deadline(self, dispute: Dispute) -> str:
        """How long there is to answer, and until exactly when."""
        label = show_label(_label_deadline(dispute, now=timezone.now()))
        if dispute.due_at is None:
            return label
        local, _, _ = show_exact_time(dispute.due_at).partition(" (")
        return format_html("{}<br>{}", label, keep_together(local))

    @display(description="Number", ordering="gateway_dispute_id")
    def shown_number(self, dispute: Dispute) -> str:
        """Return what Paystack calls it."""
        return str(dispute.gateway_dispute_id)

    @display(description="State", ordering="state")
    def shown_state(self, dispute: Dispute) -> str:
        """Its state in words."""
        return show_label(_LABELS[DisputeState(dispute.state)])

    @display(description="Payment", ordering="payment__reference")
    def shown_payment(self, dispute: Dispute) -> str:
        """Link to the payment that is claimed back."""
        return link_to_payment_shortly(dispute.payment_id, dispute.payment.reference)

    @display(description="Customer", ordering="payment__user__username")
    def shown_customer(self, dispute: Dispute) -> str:
        """Link to the payer."""
        return link_to_customer(dispute.payment.user)

    @display(description="Claimed", ordering="amount_minor")
    def shown_amount(self, dispute: Dispute) -> str:
        """Money that is claimed back."""
        return keep_together(show_minor(dispute.amount_minor, dispute.payment.currency))

    @display(description="Credits held")
    def shown_held(self, dispute: Dispute) -> str:
        """Credits that cannot be spent because of it."""
        is_held = dispute.hold is not None and dispute.hold.state == HoldState.HELD
        return show_credits(dispute.hold.amount) if dispute.hold and is_held else EMPTY

    @display(description="Resolution", ordering="resolution")
    def shown_resolution(self, dispute: Dispute) -> str:
        """How it ended."""
        return dispute.resolution.replace("-", " ") or EMPTY

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispute]:
        """Read disputes with all that is shown of them, in one query."""
        disputes: QuerySet[Dispute] = super().get_queryset(request)
        return disputes.select_related("payment__user", "hold", "ledger_entry")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a dispute by its id, or by its reference, under which holds and the ledger know it."""
        number = object_id.removeprefix(_REFERENCE_PREFIX)
        if number != object_id and number.isascii() and number.isdecimal() and len(number) < len(str(2**63)):
            return self.get_queryset(request).filter(gateway_dispute_id=int(number)).first()
        return super().get_object(request, object_id, from_field)

    def describe(self, request: HttpRequest, row: Dispute) -> dict[str, Any]:
        """Tell until when it must be answered, what is at stake, and how it ended."""
        del request
        currency = row.payment.currency
        facts = [
            Fact("Deadline", _label_deadline(row, now=timezone.now())),
            Fact("Exactly", show_exact_time(row.due_at) if row.due_at else EMPTY),
            Fact("State", _LABELS[DisputeState(row.state)]),
            Fact("Payment", link_to_payment(row.payment_id, row.payment.reference)),
            Fact("Customer", link_to_customer(row.payment.user)),
            Fact("Claimed", show_minor(row.amount_minor, currency)),
            Fact("Credited as", f"{show_credits(row.credit_amount)} credits"),
            Fact("Held", _show_held(row)),
            Fact("Kind", row.category.replace("-", " ") or EMPTY),
            Fact("Paystack calls it", row.gateway_status.replace("-", " ")),
            Fact("Transaction at Paystack", link_to_paystack(row.payment) or EMPTY),
            Fact("Resolution", row.resolution.replace("-", " ") or "none yet"),
            Fact("Resolved", show_time(row.resolved_at)),
            Fact(
                "Taken by",
                link_to_entry(row.ledger_entry.pk, row.ledger_entry.reference) if row.ledger_entry else EMPTY,
            ),
        ]
        return {
            "title": f"Dispute {row.gateway_dispute_id}",
            "facts": facts,
            "explanation": _EXPLANATIONS[DisputeState(row.state)],
            "moments": [_tell_step(step) for step in row.state_transitions],
        }


def _label_deadline(dispute: Dispute, *, now: datetime) -> Label:
    """Return how long there is to answer, in words."""
    if dispute.state not in DISPUTE_UNDECIDED:
        return Label("Decided", QUIET, "Nothing is to be answered any more.")
    if dispute.due_at is None:
        return Label("Not told", CARE, "Paystack has not said until when it must be answered.")
    if dispute.due_at <= now:
        return Label(f"{show_duration(dispute.due_at, now)} past due", BAD, "Paystack decides without an answer.")
    return Label(f"in {show_duration(now, dispute.due_at)}", BAD if dispute.due_at - now < _URGENT else CARE)


def _show_held(dispute: Dispute) -> str:
    if dispute.hold is None:
        return "nothing: none of it was left"
    amount = show_credits(dispute.hold.amount)
    if dispute.hold.state == HoldState.HELD:
        return f"{amount} of {show_credits(dispute.credit_amount)}"
    return f"nothing any more; {amount} were {dispute.hold.state}"


def _tell_step(step: dict[str, Any]) -> Moment:
    label = _LABELS[DisputeState(step["to"])]
    return Moment(
        at=datetime.fromisoformat(step["at"]),
        title=label.text,
        tone=label.tone,
        detail=say(step["reason"]),
        who=tell_who(step),
    )

"""Credits that wait for a decision, and what customers owe, to look at."""

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.cases import (
    link_to_case,
    link_to_case_shortly,
    link_to_customer,
    link_to_payment,
    link_to_payment_shortly,
    link_to_wallet,
)
from billing.lifecycles import HoldState
from billing.models import Hold, Receivable
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    show_credits,
    show_exact_time,
    show_label,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage

_HOLDS: Final = {
    HoldState.HELD: Label("Held", CARE, "The credits are in the wallet and cannot be spent until it is decided."),
    HoldState.TAKEN: Label("Taken", GOOD, "The credits left the wallet; the ledger has the entry."),
    HoldState.RELEASED: Label("Released", QUIET, "The credits can be spent again."),
}


@admin.register(Hold)
class HoldAdmin(ObjectPage):
    """Credits that wait for a decision, or did."""

    list_display = [
        "shown_amount",
        "reason",
        "shown_case",
        "shown_wallet",
        "shown_state",
        "shown_created",
        "shown_decided",
    ]
    list_filter = ["state", "reason"]
    list_select_related = ["wallet__user"]
    search_fields = ["reference", "wallet__user__username", "wallet__user__email"]
    search_help_text = "Reference, username or e-mail"
    ordering = ["-id"]
    page_template = "back_office/object.html"

    @display(description="Refund or dispute", ordering="reference")
    def shown_case(self, hold: Hold) -> str:
        """Link to what is decided."""
        return link_to_case_shortly(hold.reference)

    @display(description="Wallet", ordering="wallet__user__username")
    def shown_wallet(self, hold: Hold) -> str:
        """Whose credits they are."""
        return link_to_wallet(hold.wallet_id, hold.wallet.user.get_username())

    @display(description="Credits", ordering="amount")
    def shown_amount(self, hold: Hold) -> str:
        """Credits held."""
        return show_credits(hold.amount)

    @display(description="State", ordering="state")
    def shown_state(self, hold: Hold) -> str:
        """Whether it was decided."""
        return show_label(_HOLDS[HoldState(hold.state)])

    @display(description="Since", ordering="created_at")
    def shown_created(self, hold: Hold) -> str:
        """How long ago it was placed."""
        return show_time(hold.created_at)

    @display(description="Decided", ordering="decided_at")
    def shown_decided(self, hold: Hold) -> str:
        """How long ago it was decided."""
        return show_time(hold.decided_at)

    def describe(self, request: HttpRequest, row: Hold) -> dict[str, Any]:
        """Tell what is held, of whom and for what."""
        del request
        user = row.wallet.user
        facts = [
            Fact("State", _HOLDS[HoldState(row.state)]),
            Fact("Customer", link_to_customer(user)),
            Fact("Wallet", link_to_wallet(row.wallet_id, f"Wallet of {user.get_username()}")),
            Fact("Credits", show_credits(row.amount)),
            Fact(row.get_reason_display(), link_to_case(row.reference)),
            Fact("Since", show_exact_time(row.created_at)),
            Fact("Decided", show_exact_time(row.decided_at) if row.decided_at else EMPTY),
        ]
        return {"title": f"Hold for {row.reference}", "facts": facts}


@admin.register(Receivable)
class ReceivableAdmin(ObjectPage):
    """What customers owe."""

    list_display = [
        "user",
        "shown_state",
        "shown_left",
        "shown_amount",
        "reason",
        "shown_case",
        "shown_payment",
        "shown_created",
    ]
    list_filter = ["reason", ("cancelled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "payment_log"]
    search_fields = ["reference", "payment_log__reference", "user__username", "user__email"]
    search_help_text = "Reference, payment, username or e-mail"
    ordering = ["-id"]
    page_template = "back_office/object.html"

    @display(description="Refund or dispute", ordering="reference")
    def shown_case(self, owed: Receivable) -> str:
        """Link to what the wallet could not cover."""
        return link_to_case_shortly(owed.reference)

    @display(description="State")
    def shown_state(self, owed: Receivable) -> str:
        """Whether it is still owed."""
        return show_label(_label_receivable(owed))

    @display(description="Still owed")
    def shown_left(self, owed: Receivable) -> str:
        """Credits that are not collected."""
        return EMPTY if owed.cancelled_at else show_credits(owed.amount - owed.collected_amount)

    @display(description="At first", ordering="amount")
    def shown_amount(self, owed: Receivable) -> str:
        """Credits that were missing."""
        return show_credits(owed.amount)

    @display(description="Payment", ordering="payment_log__reference")
    def shown_payment(self, owed: Receivable) -> str:
        """Whose money went back."""
        return link_to_payment_shortly(owed.payment_log_id, owed.payment_log.reference)

    @display(description="Since", ordering="created_at")
    def shown_created(self, owed: Receivable) -> str:
        """How long ago it was written down."""
        return show_time(owed.created_at)

    def describe(self, request: HttpRequest, row: Receivable) -> dict[str, Any]:
        """Tell what is owed, by whom and for what."""
        del request
        facts = [
            Fact("State", _label_receivable(row)),
            Fact("Customer", link_to_customer(row.user)),
            Fact("Credits", show_credits(row.amount)),
            Fact("Collected", show_credits(row.collected_amount)),
            Fact("Why", row.get_reason_display()),
            Fact("Refund or dispute", link_to_case(row.reference)),
            Fact("Payment", link_to_payment(row.payment_log_id, row.payment_log.reference)),
            Fact("Since", show_exact_time(row.created_at)),
            Fact("Cancelled", show_exact_time(row.cancelled_at) if row.cancelled_at else EMPTY),
        ]
        return {"title": f"Receivable for {row.reference}", "facts": facts}


def _label_receivable(owed: Receivable) -> Label:
    if owed.cancelled_at:
        return Label("Cancelled", QUIET, "What it was owed for came to nothing.")
    if owed.collected_amount == owed.amount:
        return Label("Collected", GOOD, "All of it was taken when credits of the payment came free.")
    return Label("Owed", CARE, "It is taken when credits of the payment come free; what is bought later stays.")

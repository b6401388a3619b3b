"""Credits given and taken by hand, and who lets it happen."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.admin.cases import link_to_customer, link_to_entry, link_to_wallet
from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment, Wallet
from billing.selectors import adjustments as selectors
from billing.services import adjustments
from namaskah.audit import independence
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import (
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Moment,
    name_person,
    show_credits,
    show_label,
    show_short_reference,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage

_STATES: Final = {
    AdjustmentState.AWAITING_APPROVAL: Label(
        "Waits for approval", CARE, "No credits have moved; a second person decides."
    ),
    AdjustmentState.POSTED: Label("Posted", GOOD, "The credits have moved; the ledger has the entry."),
    AdjustmentState.REJECTED: Label("Rejected", QUIET, "A second person refused it; no credits moved."),
}


def label_adjustment(adjustment: CreditAdjustment) -> Label:
    """Return its state in words."""
    return _STATES[AdjustmentState(adjustment.state)]


def show_change(amount: Decimal) -> str:
    """Return credits with their direction in words."""
    return f"{'Give' if amount > 0 else 'Take'} {show_credits(abs(amount))}"


def show_effect(adjustment: CreditAdjustment) -> str:
    """Return what the adjustment did, or would do, to the wallet's balance."""
    if adjustment.ledger_entry is not None:
        after = adjustment.ledger_entry.balance_after
        return f"{show_credits(after - adjustment.amount)} → {show_credits(after)}"
    if adjustment.state == AdjustmentState.REJECTED:
        return "None: the balance stayed as it was."
    wallet = find_wallet(adjustment)
    balance = wallet.balance if wallet else Decimal(0)
    effect = f"{show_credits(balance)} → {show_credits(balance + adjustment.amount)}"
    available = wallet.available if wallet else Decimal(0)
    if -adjustment.amount > available:
        return f"{effect}; it cannot be posted now, because only {show_credits(available)} are available."
    return effect


def find_wallet(adjustment: CreditAdjustment) -> Wallet | None:
    """Return the wallet that it is about, if the customer has one yet."""
    return getattr(adjustment.user, "wallet", None)


class CommentForm(forms.Form):
    """What is said about a decision."""

    comment = forms.CharField(
        max_length=300,
        required=False,
        help_text="For colleagues; the customer does not see it.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


class ReasonForm(CommentForm):
    """Why it is refused: the colleague who asked wants to know."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["comment"].required = True


class _Decision(ActionPage):
    """A second person's decision."""

    permission = adjustments.APPROVE_PERMISSION
    not_now = "This adjustment does not wait for a decision."

    @classmethod
    def is_offered(cls, subject: CreditAdjustment) -> bool:
        """Only while it waits."""
        return subject.state == AdjustmentState.AWAITING_APPROVAL

    @classmethod
    def is_offered_to(cls, by: User, subject: CreditAdjustment) -> bool:
        """Never to who asked, nor to whose wallet it is."""
        return super().is_offered_to(by, subject) and adjustments.may_decide(by, subject)

    def explain_refusal(self, by: User, subject: CreditAdjustment) -> str:
        """Tell those who are no second person beside whoever asked, too."""
        bond = independence.explain_bond(asker=subject.requested_by, decider=by, now=timezone.now())
        return super().explain_refusal(by, subject) or bond

    def find(self, **where: Any) -> CreditAdjustment:
        """Return the adjustment."""
        return selectors.get_adjustment_with_effect(where["adjustment_id"])

    def describe(self, subject: CreditAdjustment) -> str:
        """Return its reference."""
        return subject.reference

    def version(self, subject: CreditAdjustment) -> str:
        """Return its state, and the wallet's last entry and what is held of it: the effect depends on them."""
        wallet = find_wallet(subject)
        return f"{subject.state} {wallet.sequence if wallet else 0} {wallet.held if wallet else 0}"

    def facts(self, subject: CreditAdjustment) -> Sequence[Fact]:
        """Show what is decided about."""
        return [
            Fact("Customer", f"{subject.user.get_username()} {subject.user.email}"),
            Fact("State", label_adjustment(subject)),
            *list_terms(subject),
        ]

    def url_of(self, subject: CreditAdjustment) -> str:
        """Return the adjustment's page."""
        return reverse("admin:billing_creditadjustment_change", args=[subject.pk])


class ApproveAdjustment(_Decision):
    """Post it."""

    name = "adjustment.approve"
    route = "<uuid:adjustment_id>/approve/"
    title = "Approve the adjustment"
    submit_label = "Approve: the credits move now"
    form_class = CommentForm

    def act(self, subject: CreditAdjustment, sent: Sent) -> str:
        """Post it."""
        made = adjustments.approve_adjustment(
            adjustment_id=subject.pk, by=sent.by, comment=sent.fields["comment"], now=sent.now
        )
        return f"Approved: {show_credits(made.amount)} credits moved ({made.reference})."


class RejectAdjustment(_Decision):
    """Refuse it."""

    name = "adjustment.reject"
    route = "<uuid:adjustment_id>/reject/"
    title = "Reject the adjustment"
    submit_label = "Reject: no credits move"
    takes_away = True
    form_class = ReasonForm

    def act(self, subject: CreditAdjustment, sent: Sent) -> str:
        """Refuse it."""
        made = adjustments.reject_adjustment(
            adjustment_id=subject.pk, by=sent.by, comment=sent.fields["comment"], now=sent.now
        )
        return f"Rejected: no credits moved ({made.reference})."


@admin.register(CreditAdjustment)
class CreditAdjustmentAdmin(ObjectPage):
    """Credits given and taken by hand."""

    list_display = [
        "shown_reference",
        "user",
        "shown_amount",
        "shown_state",
        "reason_code",
        "ticket",
        "requested_by",
        "shown_created",
    ]
    list_filter = ["state", "reason_code", "needs_approval"]
    search_fields = ["reference", "ticket", "user__username", "user__email"]
    search_help_text = "Reference, ticket, username or e-mail"
    ordering = ["-id"]
    page_template = "back_office/object.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [ApproveAdjustment, RejectAdjustment]

    @display(description="Reference", ordering="reference")
    def shown_reference(self, adjustment: CreditAdjustment) -> str:
        """Return what it is called."""
        return show_short_reference(adjustment.reference)

    @display(description="Credits", ordering="amount")
    def shown_amount(self, adjustment: CreditAdjustment) -> str:
        """Credits given or taken."""
        return show_change(adjustment.amount)

    @display(description="State", ordering="state")
    def shown_state(self, adjustment: CreditAdjustment) -> str:
        """Its state in words."""
        return show_label(label_adjustment(adjustment))

    @display(description="Asked", ordering="created_at")
    def shown_created(self, adjustment: CreditAdjustment) -> str:
        """How long ago it was asked for."""
        return show_time(adjustment.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditAdjustment]:
        """Read adjustments with all that is shown of them, in one query."""
        return selectors.with_effect(super().get_queryset(request))

    def describe(self, request: HttpRequest, row: CreditAdjustment) -> dict[str, Any]:
        """Tell who asked for what, why, what it does, and who decided."""
        del request
        wallet = find_wallet(row)
        customer = link_to_customer(row.user)
        facts = [
            Fact("State", label_adjustment(row)),
            Fact("Customer", customer),
            Fact("Wallet", link_to_wallet(wallet.pk, f"Wallet of {row.user.get_username()}") if wallet else EMPTY),
            *list_terms(row),
            Fact("Ledger entry", _show_entry(row)),
            Fact("Request", row.request_id or EMPTY),
        ]
        return {
            "title": f"Adjustment {row.reference}",
            "facts": facts,
            "explanation": _explain(row),
            "moments": _tell(row),
        }


def list_terms(adjustment: CreditAdjustment) -> list[Fact]:
    """Return what was asked for, by whom and why, and what it does."""
    return [
        Fact("Credits", show_change(adjustment.amount)),
        Fact("Balance", show_effect(adjustment)),
        Fact("Reason", adjustment.get_reason_code_display()),
        Fact("Ticket", adjustment.ticket),
        Fact("Note", adjustment.note),
        Fact("Asked by", name_person(adjustment.requested_by)),
        Fact("Asked", show_time(adjustment.created_at)),
    ]


def _show_entry(adjustment: CreditAdjustment) -> str:
    entry = adjustment.ledger_entry
    return EMPTY if entry is None else link_to_entry(entry.pk, entry.reference)


def _explain(adjustment: CreditAdjustment) -> str:
    if adjustment.state == AdjustmentState.AWAITING_APPROVAL:
        return (
            "It is above what one person may move alone, so a colleague who may approve adjustments decides; "
            "neither who asked for it nor whose wallet it is. No credits have moved."
        )
    if adjustment.state == AdjustmentState.REJECTED:
        return "A colleague refused it, and no credits moved. If it is needed after all, ask anew on the wallet's page."
    how = "A colleague agreed to it" if adjustment.needs_approval else "It was small enough for one person"
    return f"{how}, and the credits have moved. Nothing is to be done; an opposite adjustment would undo it."


def _tell(adjustment: CreditAdjustment) -> list[Moment]:
    asked = Moment(
        at=adjustment.created_at,
        title="Asked for",
        detail=f"{show_change(adjustment.amount)}: {adjustment.note}",
        who=adjustment.requested_by.get_username(),
        why=adjustment.ticket,
    )
    if adjustment.decided_by is None or adjustment.decided_at is None:
        return [asked]
    return [asked, _tell_decision(adjustment, adjustment.decided_by, adjustment.decided_at)]


def _tell_decision(adjustment: CreditAdjustment, by: User, at: datetime) -> Moment:
    is_posted = adjustment.state == AdjustmentState.POSTED
    return Moment(
        at=at,
        title="Approved" if is_posted else "Rejected",
        tone=GOOD if is_posted else QUIET,
        detail=adjustment.decision_comment,
        who=by.get_username(),
    )

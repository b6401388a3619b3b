"""Wallets: the balance, the ledger behind it, and credits given or taken by hand."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from billing.admin import wallet_tables
from billing.admin.adjustments import show_change
from billing.admin.cases import link_to_customer
from billing.lifecycles import AdjustmentReason, AdjustmentState
from billing.models import CreditAdjustment, Wallet
from billing.selectors import wallets
from billing.selectors.adjustments import list_waiting_adjustments
from billing.services import adjustments
from billing.services.adjustments import AdjustmentRequest
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import show_credits, show_time
from namaskah.back_office.object_pages import ObjectPage


class AdjustmentForm(forms.Form):
    """Credits to give or to take, and why."""

    direction = forms.ChoiceField(
        choices=[("give", "Give credits"), ("take", "Take credits")], widget=UnfoldAdminSelectWidget()
    )
    amount = forms.DecimalField(
        min_value=Decimal("0.0001"),
        max_value=adjustments.LARGEST,
        max_digits=18,
        decimal_places=4,
        help_text="In credits; one credit is one dollar.",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    reason_code = forms.ChoiceField(choices=AdjustmentReason.choices, widget=UnfoldAdminSelectWidget())
    ticket = forms.CharField(
        max_length=100, help_text="Where the customer asked for it.", widget=UnfoldAdminTextInputWidget()
    )
    note = forms.CharField(
        max_length=300, help_text="For colleagues; the customer does not see it.", widget=UnfoldAdminTextInputWidget()
    )


class AdjustWallet(ActionPage):
    """Give or take credits by hand."""

    permission = adjustments.REQUEST_PERMISSION
    name = "wallet.adjust"
    route = "<uuid:wallet_id>/adjust/"
    title = "Give or take credits"
    submit_label = "Do it now, or ask for approval"
    form_class = AdjustmentForm

    @classmethod
    def is_offered_to(cls, by: User, subject: Wallet) -> bool:
        """Never to whose wallet it is."""
        return super().is_offered_to(by, subject) and adjustments.may_adjust(by, user_id=subject.user_id)

    def find(self, **where: Any) -> Wallet:
        """Return the wallet."""
        return wallets.get_wallet(where["wallet_id"])

    def describe(self, subject: Wallet) -> str:
        """Return whose wallet it is."""
        return subject.user.get_username()

    def version(self, subject: Wallet) -> str:
        """Return the number of the wallet's last entry, what is held of it, and which adjustments wait."""
        waiting = " ".join(adjustment.reference for adjustment in _list_waiting(subject))
        return f"{subject.sequence} {subject.held} {waiting}"

    def facts(self, subject: Wallet) -> Sequence[Fact]:
        """Show what there is, and from when on a second person decides."""
        threshold = show_credits(settings.MANUAL_CREDIT_APPROVAL_USD)
        return [
            Fact("Customer", f"{subject.user.get_username()} {subject.user.email}"),
            Fact("Balance", show_credits(subject.balance)),
            Fact("Available", show_credits(subject.available)),
            *(
                Fact("Waits for approval", f"{show_change(waiting.amount)} ({waiting.ticket})")
                for waiting in _list_waiting(subject)
            ),
            Fact(
                "Approval",
                f"Above {threshold}, or once what you adjust and send back alone within 24 hours comes to more, "
                "a colleague decides.",
            ),
        ]

    def url_of(self, subject: Wallet) -> str:
        """Return the wallet's page."""
        return reverse("admin:billing_wallet_change", args=[subject.pk])

    def act(self, subject: Wallet, sent: Sent) -> str:
        """Ask for the adjustment."""
        amount = sent.fields["amount"] * (1 if sent.fields["direction"] == "give" else -1)
        request = AdjustmentRequest(
            user_id=subject.user_id,
            amount=amount,
            reason_code=AdjustmentReason(sent.fields["reason_code"]),
            note=sent.fields["note"],
            ticket=sent.fields["ticket"],
            idempotency_key=sent.key,
        )
        made = adjustments.request_adjustment(request=request, by=sent.by, request_id=sent.request_id, now=sent.now)
        if made.state == AdjustmentState.AWAITING_APPROVAL:
            return f"{made.reference} waits for a colleague's approval; no credits have moved."
        return f"{show_credits(made.amount)} credits moved ({made.reference})."


class AdjustCustomer(AdjustWallet):
    """The same from the customer's page, also before there is a wallet: the first credits make one."""

    name = "customer.adjust"
    route = "<int:user_id>/adjust/"

    @classmethod
    def is_offered_to(cls, by: User, subject: Any) -> bool:
        """Never to the customer themselves."""
        return cls.is_offered(subject) and adjustments.may_adjust(by, user_id=subject.pk)

    def explain_refusal(self, by: User, subject: Wallet) -> str:
        """Return why the form is not shown to `by` now; nothing if it is."""
        return super().explain_refusal(by, subject.user)

    def find(self, **where: Any) -> Wallet:
        """Return the customer's wallet, an empty one that is not stored if nothing was ever credited."""
        return wallets.get_or_imagine_wallet(user_id=where["user_id"])

    def identity(self, subject: Wallet) -> str:
        """Return the customer's id."""
        return str(subject.user_id)

    def url_of(self, subject: Wallet) -> str:
        """Return the customer's page."""
        return reverse("admin:auth_user_change", args=[subject.user_id])


def _list_waiting(wallet: Wallet) -> list[CreditAdjustment]:
    """Return what was asked for already: it is not in the balance, and must not be asked for twice."""
    return list(list_waiting_adjustments().filter(user=wallet.user_id))


@admin.register(Wallet)
class WalletAdmin(ObjectPage):
    """What each customer has."""

    list_display = ["user", "shown_balance", "shown_held", "shown_available", "shown_updated"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    search_help_text = "Username or e-mail"
    ordering = ["-updated_at"]
    page_template = "back_office/object.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [AdjustWallet]

    @display(description="Balance", ordering="balance")
    def shown_balance(self, wallet: Wallet) -> str:
        """Credits there are."""
        return show_credits(wallet.balance)

    @display(description="Held", ordering="held")
    def shown_held(self, wallet: Wallet) -> str:
        """Credits that wait for a decision."""
        return show_credits(wallet.held)

    @display(description="Available")
    def shown_available(self, wallet: Wallet) -> str:
        """Credits that can be spent."""
        return show_credits(wallet.available)

    @display(description="Last movement", ordering="updated_at")
    def shown_updated(self, wallet: Wallet) -> str:
        """How long ago the wallet changed."""
        return show_time(wallet.updated_at)

    def describe(self, request: HttpRequest, row: Wallet) -> dict[str, Any]:
        """Show the balance, what waits for decisions, what is owed, and the newest ledger entries."""
        del request
        facts = [
            Fact("Customer", link_to_customer(row.user)),
            Fact("E-mail", row.user.email),
            Fact("Balance", f"{show_credits(row.balance)} credits"),
            Fact("Held", f"{show_credits(row.held)} credits"),
            Fact("Available", f"{show_credits(row.available)} credits"),
            Fact("Last movement", show_time(row.updated_at)),
        ]
        return {
            "title": f"Wallet of {row.user.get_username()}",
            "facts": facts,
            "tables": wallet_tables.list_tables(row),
        }

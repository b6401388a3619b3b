"""The ledger: every movement of credits, and what each belongs to."""

from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from billing.admin.cases import link_to_case, link_to_customer, link_to_entry, link_to_payment, link_to_wallet
from billing.lifecycles import CounterAccount, TransactionType
from billing.models import CreditAdjustment, Receivable, Transaction, Wallet
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import (
    BUSY,
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Table,
    link,
    show_credits,
    show_exact_time,
    show_label,
    show_reference,
    show_short_reference,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage

_TYPES: Final = {
    TransactionType.CREDIT: Label("Credit", GOOD, "Credits that were paid for."),
    TransactionType.DEBIT: Label("Debit", QUIET, "Credits that were spent, or collected for what was owed."),
    TransactionType.REFUND: Label("Refund", CARE, "Credits taken because their money went back to the payer."),
    TransactionType.REVERSAL: Label("Reversal", BUSY, "Credits of an earlier entry, given back."),
    TransactionType.ADJUSTMENT: Label("Adjustment", BUSY, "Credits given or taken by hand."),
}
_ACCOUNTS: Final = {
    CounterAccount.GATEWAY_PAYSTACK: "Paystack: money of a payment",
    CounterAccount.REVENUE_SMS: "Revenue: services that were used",
    CounterAccount.ADJUSTMENT_GOODWILL: "Goodwill",
    CounterAccount.ADJUSTMENT_CORRECTION: "Corrections",
    CounterAccount.RECEIVABLE_COLLECTED: "Receivables: what was owed, collected",
}


@admin.register(Transaction)
class TransactionAdmin(ObjectPage):
    """The ledger, the newest entry first."""

    list_display = [
        "shown_reference",
        "user",
        "shown_type",
        "shown_amount",
        "shown_balance",
        "description",
        "shown_created",
    ]
    list_filter = ["type"]
    list_select_related = ["user"]
    # Exactly, so that an index finds it among however many entries.
    search_fields = ["reference__exact"]
    search_help_text = "Whole reference, username or e-mail"
    ordering = ["-id"]
    # Files take the columns from what sorts them; sorting a million entries by what has no index takes seconds.
    sortable_by = ("shown_reference",)
    page_template = "back_office/object.html"

    @display(description="Reference", ordering="reference")
    def shown_reference(self, entry: Transaction) -> str:
        """Return what it is called."""
        return show_short_reference(entry.reference)

    @display(description="Type", ordering="type")
    def shown_type(self, entry: Transaction) -> str:
        """Return what kind it is."""
        return show_label(_TYPES[TransactionType(entry.type)])

    @display(description="Credits", ordering="amount")
    def shown_amount(self, entry: Transaction) -> str:
        """Credits that moved."""
        return show_credits(entry.amount)

    @display(description="Balance after", ordering="balance_after")
    def shown_balance(self, entry: Transaction) -> str:
        """Credits there were then."""
        return show_credits(entry.balance_after)

    @display(description="When", ordering="created_at")
    def shown_created(self, entry: Transaction) -> str:
        """How long ago it was."""
        return show_time(entry.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transaction], search_term: str
    ) -> tuple[QuerySet[Transaction], bool]:
        """Find an entry by its reference, or all of a customer."""
        del request
        term = search_term.strip()
        if not term:
            return queryset, False
        owners = list(User.objects.filter(Q(username=term) | Q(email=term)).values_list("pk", flat=True))
        wallets = list(Wallet.objects.filter(user_id__in=owners).values_list("pk", flat=True))
        return queryset.filter(Q(reference=term) | Q(wallet_id__in=wallets)), False

    def describe(self, request: HttpRequest, row: Transaction) -> dict[str, Any]:
        """Show what moved, between what, and what it belongs to."""
        del request
        given_back = list(Transaction.objects.filter(reverses=row).order_by("sequence"))
        facts = [
            Fact("Type", _TYPES[TransactionType(row.type)]),
            Fact("Customer", link_to_customer(row.user)),
            Fact("Wallet", link_to_wallet(row.wallet_id, f"Wallet of {row.user.get_username()}")),
            Fact("Credits", show_credits(row.amount)),
            Fact("Balance", f"{show_credits(row.balance_after - row.amount)} → {show_credits(row.balance_after)}"),
            Fact("Other side", _ACCOUNTS.get(CounterAccount(row.counter_account), row.counter_account)),
            Fact("When", show_exact_time(row.created_at)),
            Fact("What", row.description or EMPTY),
            Fact("By", row.created_by.get_username() if row.created_by else "the product itself"),
            Fact("Request", row.request_id or EMPTY),
            *_list_cases(row),
        ]
        return {"title": f"Ledger entry {row.reference}", "facts": facts, "tables": [_list_reversals(given_back)]}


def _list_cases(entry: Transaction) -> list[Fact]:
    """Return links to whatever the entry belongs to."""
    facts = []
    if entry.payment_log is not None:
        facts.append(Fact("Payment", link_to_payment(entry.payment_log_id, entry.payment_log.reference)))
    if entry.type == TransactionType.REFUND:
        facts.append(Fact("Refund or dispute", link_to_case(entry.reference)))
    if entry.reverses is not None:
        facts.append(Fact("Gives back", link_to_entry(entry.reverses.pk, entry.reverses.reference)))
    if entry.counter_account == CounterAccount.RECEIVABLE_COLLECTED:
        owed = Receivable.objects.filter(reference=entry.service).first()
        facts.append(Fact("Was owed for", link_to_case(owed.reference) if owed else entry.service))
    elif entry.service:
        facts.append(Fact("Service", entry.service))
    adjustment = CreditAdjustment.objects.filter(ledger_entry=entry).first()
    if adjustment is not None:
        address = reverse("admin:billing_creditadjustment_change", args=[adjustment.pk])
        facts.append(Fact("Adjustment", link(show_reference(adjustment.reference), address)))
    return facts


def _list_reversals(entries: list[Transaction]) -> Table:
    return Table(
        title="Given back of it",
        headers=["When", "Credits", "Reference", "What"],
        rows=[
            [
                show_time(entry.created_at),
                show_credits(entry.amount),
                link_to_entry(entry.pk, entry.reference),
                entry.description,
            ]
            for entry in entries
        ],
        empty="Nothing was given back.",
    )

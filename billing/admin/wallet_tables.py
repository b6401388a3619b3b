"""What stands below a wallet's balance: what waits for decisions, what is owed, and the ledger."""

from typing import Final
from urllib.parse import urlencode

from django.db.models import F
from django.urls import reverse

from billing.admin.adjustments import show_change
from billing.admin.cases import link_to_case, link_to_entry, link_to_payment
from billing.lifecycles import AdjustmentState, HoldState
from billing.models import CreditAdjustment, Hold, Receivable, Wallet
from billing.selectors import wallets
from namaskah.back_office.columns import Table, link, show_credits, show_reference, show_time

_SHOWN_ROWS: Final = 100


def list_tables(wallet: Wallet) -> list[Table]:
    """Return the tables of a wallet's page, the most urgent first, with one query each."""
    return [_list_waiting(wallet), _list_holds(wallet), _list_receivables(wallet), _list_ledger(wallet)]


def _list_waiting(wallet: Wallet) -> Table:
    waiting = CreditAdjustment.objects.filter(user=wallet.user, state=AdjustmentState.AWAITING_APPROVAL)
    rows = waiting.select_related("requested_by").order_by("created_at")[:_SHOWN_ROWS]
    return Table(
        title="Adjustments that wait for approval",
        headers=["Asked", "Credits", "Reason", "Ticket", "Asked by", "Reference"],
        rows=[
            [
                show_time(row.created_at),
                show_change(row.amount),
                row.get_reason_code_display(),
                row.ticket,
                row.requested_by.get_username(),
                link(show_reference(row.reference), reverse("admin:billing_creditadjustment_change", args=[row.pk])),
            ]
            for row in rows
        ],
        empty="None waits.",
        more_url=_search("billing_creditadjustment", wallet),
    )


def _list_holds(wallet: Wallet) -> Table:
    rows = Hold.objects.filter(wallet=wallet, state=HoldState.HELD).order_by("created_at")[:_SHOWN_ROWS]
    return Table(
        title="Held now",
        headers=["Since", "Credits", "For", "Reference"],
        rows=[
            [
                show_time(row.created_at),
                show_credits(row.amount),
                row.get_reason_display(),
                link_to_case(row.reference),
            ]
            for row in rows
        ],
        empty="Nothing is held: the whole balance can be spent.",
        more_url=_search("billing_hold", wallet),
    )


def _list_receivables(wallet: Wallet) -> Table:
    owed = Receivable.objects.filter(user=wallet.user, cancelled_at__isnull=True, collected_amount__lt=F("amount"))
    rows = owed.select_related("payment_log").order_by("created_at")[:_SHOWN_ROWS]
    return Table(
        title="Owed by the customer",
        headers=["Since", "Credits still owed", "Why", "Payment", "Reference"],
        rows=[
            [
                show_time(row.created_at),
                f"{show_credits(row.amount - row.collected_amount)} of {show_credits(row.amount)}",
                row.get_reason_display(),
                link_to_payment(row.payment_log_id, row.payment_log.reference),
                link_to_case(row.reference),
            ]
            for row in rows
        ],
        empty="Nothing is owed.",
        more_url=_search("billing_receivable", wallet),
    )


def _list_ledger(wallet: Wallet) -> Table:
    entries = wallets.list_transactions(user=wallet.user).order_by("-sequence")[:_SHOWN_ROWS]
    return Table(
        title="Ledger",
        headers=["When", "Type", "Credits", "Balance after", "Reference", "What"],
        rows=[
            [
                show_time(entry.created_at),
                entry.get_type_display(),
                show_credits(entry.amount),
                show_credits(entry.balance_after),
                link_to_entry(entry.pk, entry.reference),
                entry.description,
            ]
            for entry in entries
        ],
        empty="Nothing was ever credited.",
        more_url=_search("billing_transaction", wallet),
    )


def _search(model: str, wallet: Wallet) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode({'q': wallet.user.get_username()})}"

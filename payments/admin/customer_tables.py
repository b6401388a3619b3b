"""What is a customer's, as tables; each for whoever may see the list that it is a part of."""

from collections.abc import Callable
from typing import Final

from django.contrib.auth.models import User
from django.db.models import F
from django.urls import reverse
from django.utils.http import urlencode

from billing.lifecycles import HoldState
from billing.models import Hold, Receivable
from namaskah.api_keys.admin import label_key
from namaskah.api_keys.models import ApiKey
from namaskah.audit import notes
from namaskah.back_office.columns import (
    BAD,
    BUSY,
    CARE,
    EMPTY,
    GOOD,
    QUIET,
    Label,
    Table,
    link,
    show_credits,
    show_minor,
    show_reference,
    show_time,
)
from payments.lifecycles import DisputeState, PaymentState
from payments.models import Dispute, PaymentLog

_NEWEST: Final = 50
_PAYMENT_TONES: Final = {
    PaymentState.COMPLETED: GOOD,
    PaymentState.FAILED: BAD,
    PaymentState.PROCESSING: BUSY,
    PaymentState.PENDING: BUSY,
    PaymentState.REFUNDED: QUIET,
}
_DISPUTE_TONES: Final = {
    DisputeState.OPEN: CARE,
    DisputeState.REVIEW: CARE,
    DisputeState.LOST: BAD,
    DisputeState.WON: GOOD,
}


def subject_of(user: User) -> str:
    """Return what notes about the customer are filed under."""
    return f"user:{user.pk}"


def list_tables(user: User, *, viewer: User) -> list[Table]:
    """Return what is the customer's and what the viewer may see of it; one query each."""
    return [make(user) for permission, make in _TABLES if viewer.has_perm(permission)]


def _list_payments(user: User) -> Table:
    rows = PaymentLog.objects.filter(user=user).order_by("-created_at", "-pk").defer("state_transitions")[:_NEWEST]
    return Table(
        title="Payments",
        headers=["When", "Reference", "State", "Paid", "Credits"],
        rows=[
            [
                show_time(row.created_at),
                link(show_reference(row.reference), reverse("admin:payments_paymentlog_change", args=[row.pk])),
                _label_payment(row),
                show_minor(row.amount_minor, row.currency),
                show_credits(row.credit_amount),
            ]
            for row in rows
        ],
        empty="They never bought anything.",
        more_url=_list_url("payments_paymentlog", user.get_username()),
    )


def _label_payment(payment: PaymentLog) -> Label:
    state = PaymentState(payment.state)
    if payment.review_reason:
        return Label(f"{state.label}, under review", CARE, payment.review_reason)
    return Label(str(state.label), _PAYMENT_TONES[state], payment.error_message)


def _list_holds(user: User) -> Table:
    rows = Hold.objects.filter(wallet__user=user).order_by("-pk")[:_NEWEST]
    return Table(
        title="Holds",
        headers=["When", "Credits", "For", "State"],
        rows=[
            [
                show_time(row.created_at),
                show_credits(row.amount),
                show_reference(row.reference),
                Label(row.get_state_display(), CARE if row.state == HoldState.HELD else QUIET),
            ]
            for row in rows
        ],
        empty="No credits were ever held.",
    )


def _list_disputes(user: User) -> Table:
    rows = (
        Dispute.objects.filter(payment__user=user)
        .select_related("payment")
        .order_by(F("resolved_at").desc(nulls_first=True), "due_at", "-pk")[:_NEWEST]
    )
    return Table(
        title="Disputes",
        headers=["Dispute", "State", "Answer by", "Amount", "Payment"],
        rows=[
            [
                link(str(row.gateway_dispute_id), reverse("admin:payments_dispute_change", args=[row.pk])),
                Label(row.get_state_display(), _DISPUTE_TONES[DisputeState(row.state)]),
                show_time(row.due_at),
                show_minor(row.amount_minor, row.payment.currency),
                show_reference(row.payment.reference),
            ]
            for row in rows
        ],
        empty="No bank has claimed anything back.",
    )


def _list_receivables(user: User) -> Table:
    rows = Receivable.objects.filter(user=user).order_by("-pk")[:_NEWEST]
    return Table(
        title="What they owe",
        headers=["Since", "Credits", "Collected", "Why", "State"],
        rows=[
            [
                show_time(row.created_at),
                show_credits(row.amount),
                show_credits(row.collected_amount),
                row.get_reason_display(),
                _label_receivable(row),
            ]
            for row in rows
        ],
        empty="They owe nothing.",
    )


def _label_receivable(receivable: Receivable) -> Label:
    if receivable.cancelled_at is not None:
        return Label("Cancelled", QUIET)
    if receivable.collected_amount == receivable.amount:
        return Label("Collected", GOOD)
    return Label("Owed", CARE, "Collected as credits come into the wallet.")


def _list_notes(user: User) -> Table:
    return Table(
        title="Notes",
        headers=["When", "Who", "Note"],
        rows=[
            [show_time(note.created_at), note.author.get_username(), note.text]
            for note in notes.list_notes(subject_of(user))
        ],
        empty="Nobody has written a note about this customer.",
    )


def _list_keys(user: User) -> Table:
    rows = ApiKey.objects.filter(user=user).order_by("-created", "-pk")[:_NEWEST]
    return Table(
        title="API keys",
        headers=["Key", "State", "Issued", "Last used"],
        rows=[
            [
                link(str(row), reverse("admin:api_keys_apikey_change", args=[row.pk])),
                label_key(row),
                show_time(row.created),
                show_time(row.last_used_at) if row.last_used_at else EMPTY,
            ]
            for row in rows
        ],
        empty="They have no key.",
    )


def _list_url(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode({'q': query})}"


_TABLES: Final[tuple[tuple[str, Callable[[User], Table]], ...]] = (
    ("payments.view_paymentlog", _list_payments),
    ("billing.view_hold", _list_holds),
    ("payments.view_dispute", _list_disputes),
    ("billing.view_receivable", _list_receivables),
    ("audit.view_note", _list_notes),
    ("api_keys.view_apikey", _list_keys),
)

"""What hangs on a payment and has pages of its own: refunds, disputes, events. Only for who may see those."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.urls import reverse

from namaskah.back_office.columns import Table, link, show_credits, show_minor, show_reference, show_time
from payments.admin.refund_words import label_refund
from payments.admin.webhook_wording import label_status
from payments.lifecycles import DisputeState
from payments.models import Dispute, PaymentLog, Refund, WebhookEvent

_SHOWN = 50


def list_tables(payment: PaymentLog, *, by: User) -> list[Table]:
    """Return the tables that `by` may see; those of refunds and disputes only if there are any."""
    return list(_list_tables(payment, by=by))


def _list_tables(payment: PaymentLog, *, by: User) -> Iterator[Table]:
    if by.has_perm("payments.view_refund"):
        yield _list_refunds(payment)
    if by.has_perm("payments.view_dispute"):
        disputes = _list_disputes(payment)
        if disputes.rows:
            yield disputes
    if by.has_perm("payments.view_webhookevent"):
        yield _list_events(payment)


def _list_refunds(payment: PaymentLog) -> Table:
    refunds = Refund.objects.filter(payment=payment).select_related("requested_by").order_by("-pk")[:_SHOWN]
    return Table(
        title="Refunds",
        headers=["Reference", "State", "To the payer", "Credits", "Asked by", "Asked"],
        rows=[
            [
                link(show_reference(refund.reference), reverse("admin:payments_refund_change", args=[refund.pk])),
                label_refund(refund),
                show_minor(refund.amount_minor, payment.currency),
                show_credits(refund.credit_amount),
                refund.requested_by.get_username() if refund.requested_by else "somebody at Paystack",
                show_time(refund.created_at),
            ]
            for refund in refunds
        ],
        empty="Nobody asked for any of it back.",
    )


def _list_disputes(payment: PaymentLog) -> Table:
    return Table(
        title="Disputes",
        headers=["Number at Paystack", "State", "Claimed", "Deadline"],
        rows=[
            [
                link(dispute.gateway_dispute_id, reverse("admin:payments_dispute_change", args=[dispute.pk])),
                str(DisputeState(dispute.state).label),
                show_minor(dispute.amount_minor, payment.currency),
                show_time(dispute.due_at),
            ]
            for dispute in Dispute.objects.filter(payment=payment).order_by("-pk")[:_SHOWN]
        ],
    )


def _list_events(payment: PaymentLog) -> Table:
    events = WebhookEvent.objects.filter(reference=payment.reference).defer("body").order_by("-received_at")[:_SHOWN]
    return Table(
        title="Webhook events",
        headers=["Event", "State", "Attempts", "Error", "Received"],
        rows=[
            [
                link(event.event_type, reverse("admin:payments_webhookevent_change", args=[event.pk])),
                label_status(event.status),
                event.attempts,
                event.error_class,
                show_time(event.received_at),
            ]
            for event in events
        ],
        empty="Paystack has told nothing about it.",
    )

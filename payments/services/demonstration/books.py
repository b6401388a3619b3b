"""What Paystack would have in its books of the made-up payments, for whatever stands in for Paystack."""

import json
from typing import Any, Final

from payments.lifecycles import DisputeState, PaymentState, RefundState
from payments.models import Dispute, GatewayCall, PaymentLog, Refund, WebhookEvent
from payments.services.demonstration.gateway import write_time
from payments.services.demonstration.history import list_customers

_REFUNDS: Final = {
    RefundState.SUBMITTED: "processing",
    RefundState.NEEDS_ATTENTION: "needs-attention",
    RefundState.PROCESSED: "processed",
    RefundState.FAILED: "failed",
}


def describe_books() -> dict[str, list[dict[str, Any]]]:
    """Return transactions, refunds and disputes; amounts in subunits, times as Paystack writes them."""
    payments = PaymentLog.objects.filter(user__in=list_customers()).order_by("pk")
    # What Paystack never took has no checkout page.
    opened = [payment for payment in payments if payment.authorization_url or payment.state == PaymentState.PENDING]
    charges = _find_charges([payment.reference for payment in opened])
    return {
        "transactions": [_describe_transaction(payment, charges.get(payment.reference, {})) for payment in opened],
        "refunds": [_describe_refund(refund) for refund in _list_refunds(opened)],
        "disputes": [_describe_dispute(dispute) for dispute in _list_disputes(opened)],
    }


def _find_charges(references: list[str]) -> dict[str, dict[str, Any]]:
    """Return what was told of each payment, by an event if there was one."""
    calls = GatewayCall.objects.filter(reference__in=references, operation="verify", answer__isnull=False)
    events = WebhookEvent.objects.filter(reference__in=references, event_type="charge.success").order_by("pk")
    asked = {call.reference: call.answer["data"] for call in calls.order_by("pk") if call.answer}
    return asked | {event.reference: json.loads(bytes(event.body))["data"] for event in events}


def _describe_transaction(payment: PaymentLog, charge: dict[str, Any]) -> dict[str, Any]:
    said = charge.get("status", "abandoned")
    is_paid = said not in ("abandoned", "failed")
    return {
        "id": charge.get("id"),
        "reference": payment.reference,
        "access_code": payment.access_code or payment.reference[-15:],
        "domain": charge.get("domain", "test"),
        "status": said,
        "email": payment.email,
        "currency": charge.get("currency", payment.currency),
        "requested_amount_minor": charge.get("requested_amount", payment.amount_minor),
        "amount_minor": charge.get("amount") or payment.amount_minor,
        "fees_minor": charge.get("fees"),
        "channel": charge.get("channel", "card"),
        "gateway_response": charge.get("gateway_response", "The transaction was not completed"),
        "created_at": write_time(payment.created_at),
        "paid_at": charge.get("paid_at") if is_paid else None,
    }


def _list_refunds(payments: list[PaymentLog]) -> list[Refund]:
    known = Refund.objects.filter(payment__in=payments, gateway_refund_id__isnull=False, state__in=_REFUNDS)
    return list(known.select_related("payment").order_by("pk"))


def _describe_refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.gateway_refund_id,
        "reference": refund.payment.reference,
        "status": _REFUNDS[RefundState(refund.state)],
        "amount_minor": refund.amount_minor,
        "currency": refund.payment.currency,
        "merchant_note": refund.reference,
        "created_at": write_time(refund.submitted_at or refund.created_at),
        "updated_at": write_time(refund.updated_at),
    }


def _list_disputes(payments: list[PaymentLog]) -> list[Dispute]:
    return list(Dispute.objects.filter(payment__in=payments).select_related("payment").order_by("pk"))


def _describe_dispute(dispute: Dispute) -> dict[str, Any]:
    return {
        "id": dispute.gateway_dispute_id,
        "reference": dispute.payment.reference,
        "status": dispute.gateway_status,
        "resolution": dispute.resolution if dispute.state != DisputeState.OPEN else None,
        "category": dispute.category,
        "currency": dispute.payment.currency,
        "amount_minor": dispute.amount_minor,
        "due_at": write_time(dispute.due_at or dispute.created_at),
        "created_at": write_time(dispute.created_at),
        "updated_at": write_time(dispute.updated_at),
        "resolved_at": write_time(dispute.resolved_at) if dispute.resolved_at else None,
    }

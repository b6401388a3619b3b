"""What Paystack says was paid, in an event that has not had its effect yet."""

from typing import Final

from namaskah.api import strict_json
from payments.gateways.paystack.parsing import read_evidence
from payments.lifecycles import DUE_STATUSES, EventStatus
from payments.models import Evidence, PaymentLog, WebhookEvent
from payments.services.moments import tell_money
from payments.services.webhook_ingest import CHARGE_SUCCESS

_WITHOUT_EFFECT: Final = (*DUE_STATUSES, EventStatus.DEAD, EventStatus.QUARANTINED)


def tell_reported(payment: PaymentLog) -> str:
    """Return how much an event that is not processed says was paid; nothing if none does, or if it is known."""
    if payment.is_settled or payment.amount_paid_minor is not None:
        return ""
    events = WebhookEvent.objects.filter(
        reference=payment.reference, event_type=CHARGE_SUCCESS, status__in=_WITHOUT_EFFECT
    )
    event = events.order_by("-received_at").first()
    evidence = _read(event) if event else None
    if evidence is None or not evidence.amount_minor or not evidence.currency:
        return ""
    return f"Paystack reported {tell_money(evidence.amount_minor, evidence.currency)}; not processed yet."


def _read(event: WebhookEvent) -> Evidence | None:
    """Return what the event says; None for a body that tells nothing, whatever it is."""
    try:
        body = strict_json.loads(bytes(event.body), max_depth=64, allow_unsafe_text=True)
    except strict_json.MalformedJSONError:
        return None
    charge = body.get("data") if isinstance(body, dict) else None
    return read_evidence(charge) if isinstance(charge, dict) else None

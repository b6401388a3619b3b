"""Steps of a dispute: at the gateway, and in what we make of it."""

from typing import Any

from django.utils import timezone

from devtools.sandbox.sandbox import Sandbox
from payments.models import Dispute, PaymentLog
from payments.services import disputes
from tests.factories.payments import CAUSE


def sync(dispute_id: int) -> Dispute:
    """Bring our dispute to where the gateway's is, as an event makes us do; return it as it is stored."""
    dispute = disputes.sync_dispute(gateway_dispute_id=dispute_id, cause=CAUSE, now=timezone.now())
    return Dispute.objects.select_related("hold", "ledger_entry").get(pk=dispute.pk)


def open_dispute(sandbox: Sandbox, payment: PaymentLog, **terms: Any) -> Dispute:
    """Have the payer's bank claim the payment back, and hear of it; `terms` are those of the sandbox."""
    opened = sandbox.open_dispute(payment.reference, **terms)
    return sync(opened["dispute"]["id"])


def resolve(sandbox: Sandbox, dispute: Dispute, resolution: str, **terms: Any) -> Dispute:
    """End the dispute at the gateway, and hear of it."""
    sandbox.resolve_dispute(dispute.gateway_dispute_id, resolution, **terms)
    return sync(dispute.gateway_dispute_id)

"""The tables of money in."""

from payments.models.causes import Cause
from payments.models.evidence import Evidence
from payments.models.gateway_call import GatewayCall, GatewayOutcome
from payments.models.payment import PaymentLog
from payments.models.webhook_event import WebhookAttempt, WebhookEvent

__all__ = ["Cause", "Evidence", "GatewayCall", "GatewayOutcome", "PaymentLog", "WebhookAttempt", "WebhookEvent"]

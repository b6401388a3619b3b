"""The tables of money in, and of money on its way back."""

from payments.models.causes import Cause
from payments.models.dispute import Dispute
from payments.models.evidence import Evidence
from payments.models.gateway_call import GatewayCall, GatewayOutcome
from payments.models.payment import PaymentLog
from payments.models.reconciliation_break import ReconciliationBreak
from payments.models.refund import Refund
from payments.models.replay_run import ReplayOutcome, ReplayRun, ReplayRunEvent, ReplayRunState
from payments.models.review_decision import ReviewDecision
from payments.models.webhook_event import WebhookAttempt, WebhookEvent

__all__ = [
    "Cause",
    "Dispute",
    "Evidence",
    "GatewayCall",
    "GatewayOutcome",
    "PaymentLog",
    "ReconciliationBreak",
    "Refund",
    "ReplayOutcome",
    "ReplayRun",
    "ReplayRunEvent",
    "ReplayRunState",
    "ReviewDecision",
    "WebhookAttempt",
    "WebhookEvent",
]

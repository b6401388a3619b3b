"""The back office's pages of payments; importing them registers them."""

from payments.admin import (
    approvals,
    breaks,
    customers,
    disputes,
    gateway_calls,
    payments,
    refunds,
    replay_runs,
    reviews,
    webhook_events,
)

__all__ = [
    "approvals",
    "breaks",
    "customers",
    "disputes",
    "gateway_calls",
    "payments",
    "refunds",
    "replay_runs",
    "reviews",
    "webhook_events",
]

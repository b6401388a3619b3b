"""Transactions, refunds and disputes in Paystack's words."""

import json
from datetime import datetime
from typing import Any, Final

from devtools.sandbox.ledger.tables import Customer, Dispute, Refund, Transaction

INTEGRATION: Final = 581204
_REFUNDED_BY: Final = "sandbox@example.com"
_BANK: Final = "disputes@bank.example"
_CARD: Final = {
    "authorization_code": "AUTH_p7c3n1v8ye",
    "bin": "408408",
    "last4": "4081",
    "exp_month": "11",
    "exp_year": "2029",
    "channel": "card",
    "card_type": "visa ",
    "bank": "TEST BANK",
    "country_code": "NG",
    "brand": "visa",
    "reusable": True,
    "signature": "SIG_hT2kQ9wLxV5nB0rJd4Yc",
    "account_name": None,
}
_NO_CARD: Final = {"bin": None, "last4": None, "exp_month": None, "exp_year": None, "card_type": "", "reusable": False}


def customer_body(customer: Customer) -> dict[str, Any]:
    """Describe whoever pays."""
    return {
        "id": customer.id,
        "first_name": None,
        "last_name": None,
        "email": customer.email,
        "customer_code": customer.code,
        "phone": None,
        "metadata": None,
        "risk_action": "default",
        "international_format_phone": None,
    }


def authorization_body(transaction: Transaction) -> dict[str, Any]:
    """Describe what was paid with; until then there is nothing to describe."""
    if not transaction.is_paid:
        return {}
    if transaction.channel == "card":
        return dict(_CARD)
    return {**_CARD, **_NO_CARD, "channel": transaction.channel, "brand": transaction.channel}


def transaction_body(transaction: Transaction) -> dict[str, Any]:
    """Describe a transaction as verify does (https://paystack.com/docs/api/transaction/#verify)."""
    return {
        "id": transaction.id,
        "domain": transaction.domain,
        "status": transaction.status,
        "reference": transaction.reference,
        "receipt_number": None,
        "amount": transaction.amount_minor,
        "message": None,
        "gateway_response": transaction.gateway_response,
        "paid_at": transaction.paid_at,
        "created_at": transaction.created_at,
        "channel": transaction.channel,
        "currency": transaction.currency,
        "ip_address": transaction.ip_address,
        "metadata": json.loads(transaction.metadata),
        "log": _log_body(transaction),
        "fees": transaction.fees_minor,
        "fees_split": None,
        "authorization": authorization_body(transaction),
        "customer": customer_body(transaction.customer),
        "plan": None,
        "split": {},
        "order_id": None,
        "paidAt": transaction.paid_at,
        "createdAt": transaction.created_at,
        "requested_amount": transaction.requested_amount_minor,
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
        "connect": None,
        "transaction_date": transaction.created_at,
        "plan_object": {},
        "subaccount": {},
    }


def transaction_row(transaction: Transaction) -> dict[str, Any]:
    """Describe a transaction as a list does."""
    body = transaction_body(transaction)
    for name in ("receipt_number", "fees_breakdown", "transaction_date", "plan_object"):
        del body[name]
    return {
        **body,
        "plan": {},
        "source": {
            "type": "api",
            "source": "merchant_api",
            "entry_point": "transaction_initialize",
            "identifier": None,
        },
    }


def created_refund_body(refund: Refund, transaction: Transaction) -> dict[str, Any]:
    """Describe a refund as the answer to its creation does, where `transaction` is an object."""
    return {
        "transaction": {
            "id": transaction.id,
            "domain": transaction.domain,
            "reference": transaction.reference,
            "amount": transaction.amount_minor,
            "paid_at": transaction.paid_at,
            "channel": transaction.channel,
            "currency": transaction.currency,
            "authorization": {"exp_month": None, "exp_year": None, "account_name": None},
            "customer": {"international_format_phone": None},
            "plan": {},
            "subaccount": {"currency": None},
            "split": {},
            "order_id": None,
            "paidAt": transaction.paid_at,
            "pos_transaction_data": None,
            "source": None,
            "fees_breakdown": None,
        },
        "integration": INTEGRATION,
        "deducted_amount": 0,
        "channel": None,
        "merchant_note": refund.merchant_note,
        "customer_note": refund.customer_note,
        "status": refund.status,
        "refunded_by": _REFUNDED_BY,
        "expected_at": refund.created_at,
        "currency": refund.currency,
        "domain": transaction.domain,
        "amount": refund.amount_minor,
        "fully_deducted": False,
        "id": refund.id,
        "createdAt": refund.created_at,
        "updatedAt": refund.updated_at,
    }


def refund_row(refund: Refund, transaction: Transaction) -> dict[str, Any]:
    """Describe a refund as list and fetch do, where `transaction` is a number."""
    return {
        "integration": INTEGRATION,
        "transaction": transaction.id,
        "dispute": None,
        "settlement": None,
        "id": refund.id,
        "domain": transaction.domain,
        "currency": refund.currency,
        "amount": refund.amount_minor,
        "status": refund.status,
        "refunded_at": refund.refunded_at,
        "refunded_by": _REFUNDED_BY,
        "customer_note": refund.customer_note,
        "merchant_note": refund.merchant_note,
        "deducted_amount": refund.amount_minor if refund.status == "processed" else 0,
        "fully_deducted": int(refund.status == "processed"),
        "createdAt": refund.created_at,
        "bank_reference": None,
        "transaction_reference": transaction.reference,
        "reason": refund.merchant_note,
        "customer": customer_body(transaction.customer),
        "refund_type": "full" if refund.amount_minor == transaction.amount_minor else "partial",
        "transaction_amount": transaction.amount_minor,
        "initiated_by": _REFUNDED_BY,
        "refund_channel": transaction.channel,
        "session_id": None,
        "collect_account_number": False,
    }


def dispute_body(dispute: Dispute, transaction: Transaction) -> dict[str, Any]:
    """Describe a dispute as the API does (https://paystack.com/docs/api/dispute)."""
    card = authorization_body(transaction)
    told = {"sender": _BANK, "body": dispute.complaint, "createdAt": dispute.created_at}
    return {
        "id": dispute.id,
        "refund_amount": dispute.refund_amount_minor,
        "currency": dispute.currency,
        "status": dispute.status,
        "resolution": dispute.resolution,
        "domain": transaction.domain,
        "transaction": transaction_body(transaction),
        "transaction_reference": None,
        "category": dispute.category,
        "customer": customer_body(transaction.customer),
        "bin": card.get("bin"),
        "last4": card.get("last4"),
        "dueAt": dispute.due_at,
        "resolvedAt": dispute.resolved_at,
        "evidence": None,
        "attachments": None,
        "note": None,
        "history": [{"status": "pending", "by": _BANK, "createdAt": dispute.created_at}],
        "messages": [told],
        "createdAt": dispute.created_at,
        "updatedAt": dispute.updated_at,
    }


def resolved_dispute_body(dispute: Dispute, transaction: Transaction) -> dict[str, Any]:
    """Describe a dispute as the answer to its resolution does, where `transaction` is a number."""
    card = authorization_body(transaction)
    message = {
        "dispute": dispute.id,
        "sender": _REFUNDED_BY,
        "body": dispute.reply,
        "id": dispute.id,
        "createdAt": dispute.resolved_at,
        "updatedAt": dispute.resolved_at,
    }
    return {
        "currency": dispute.currency,
        "last4": card.get("last4"),
        "bin": card.get("bin"),
        "transaction_reference": None,
        "merchant_transaction_reference": transaction.reference,
        "refund_amount": dispute.refund_amount_minor,
        "status": dispute.status,
        "domain": transaction.domain,
        "resolution": dispute.resolution,
        "category": dispute.category,
        "note": None,
        "attachments": None,
        "id": dispute.id,
        "integration": INTEGRATION,
        "transaction": transaction.id,
        "created_by": None,
        "evidence": None,
        "resolvedAt": dispute.resolved_at,
        "createdAt": dispute.created_at,
        "updatedAt": dispute.updated_at,
        "dueAt": dispute.due_at,
        "message": message,
    }


def _log_body(transaction: Transaction) -> dict[str, Any] | None:
    if not transaction.attempts:
        return None
    started = datetime.fromisoformat(transaction.created_at)
    tried = f"Attempted to pay with {transaction.channel}"
    ended = {
        "type": "success" if transaction.is_paid else "error",
        "message": f"Successfully paid with {transaction.channel}" if transaction.is_paid else "Error: Declined",
        "time": 9,
    }
    return {
        "start_time": int(started.timestamp()),
        "time_spent": 9,
        "attempts": transaction.attempts,
        "errors": transaction.errors,
        "success": transaction.is_paid,
        "mobile": False,
        "input": [],
        "history": [{"type": "action", "message": tried, "time": 4}, ended],
    }

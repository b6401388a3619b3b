"""The bodies of events, with the inconsistencies that Paystack's own have."""

from typing import Any, Final

from devtools.sandbox.ledger.tables import Dispute, Refund, Transaction
from devtools.sandbox.paystack.bodies import (
    INTEGRATION,
    authorization_body,
    customer_body,
    dispute_body,
    transaction_body,
)

_AMOUNT_AS_TEXT: Final = ("pending", "processing", "processed")
# What verify tells of a transaction and events do not.
_VERIFY_ONLY: Final = ("receipt_number", "createdAt", "connect", "transaction_date", "plan_object")


def charge_success(transaction: Transaction) -> dict[str, Any]:
    """Tell that a payment was made."""
    body = _transaction_told(transaction)
    told = {
        **body,
        "authorization": {
            **authorization_body(transaction),
            "receiver_bank_account_number": None,
            "receiver_bank": None,
        },
        "fees_breakdown": None,
        "source": {
            "type": "api",
            "source": "merchant_api",
            "entry_point": "transaction_initialize",
            "identifier": None,
        },
    }
    return {"event": "charge.success", "data": told}


def refund_moved(refund: Refund, transaction: Transaction) -> dict[str, Any]:
    """Tell how far a refund has come: without its id, and with its amount as text, unless it went wrong."""
    customer = customer_body(transaction.customer)
    told: dict[str, Any] = {
        "status": refund.status,
        "transaction_reference": refund.reference,
        "refund_reference": refund.refund_reference,
        "amount": str(refund.amount_minor) if refund.status in _AMOUNT_AS_TEXT else refund.amount_minor,
        "currency": refund.currency,
        "processor": "mpgs_zen" if refund.status == "processed" else "instant-transfer",
        "customer": {name: customer[name] for name in ("first_name", "last_name", "email")},
        "integration": INTEGRATION,
        "domain": transaction.domain,
    }
    if refund.status == "needs-attention":
        del told["processor"]
        told |= {
            "id": str(refund.id),
            "customer_note": refund.customer_note,
            "merchant_note": refund.merchant_note,
        }
    return {"event": f"refund.{refund.status}", "data": told}


def dispute_changed(name: str, dispute: Dispute, transaction: Transaction) -> dict[str, Any]:
    """Tell of a dispute; `name` is `create`, `remind` or `resolve`."""
    told = dispute_body(dispute, transaction)
    disputed = {
        **_transaction_told(transaction),
        "authorization": {},
        "customer": {"international_format_phone": None},
    }
    # Here, and only here, the times have other names.
    told |= {"transaction": disputed, "created_at": told.pop("createdAt"), "updated_at": told.pop("updatedAt")}
    return {"event": f"charge.dispute.{name}", "data": told}


def _transaction_told(transaction: Transaction) -> dict[str, Any]:
    """Describe a transaction as disputes do; the event of a payment adds two fields."""
    body = transaction_body(transaction)
    for name in (*_VERIFY_ONLY, "source", "fees_breakdown"):
        del body[name]
    return {**body, "log": None, "plan": {}}

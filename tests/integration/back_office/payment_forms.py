"""The forms of a payment's page: where they are, and what is sent."""

from typing import Any

from django.test import Client

from payments.models import PaymentLog
from tests.integration.back_office.forms import open_form, send

LIST = "/admin/payments/paymentlog/"
WHY = {"note": "The customer agreed."}
REFUND = {"amount": "10", "reason_code": "Paid twice", "ticket": "T-7", "note": "Seen the receipt"}
# What opening pages and being refused leaves behind, and a look at the gateway.
TRACES = ("audit_log", "form_tokens", "gateway_calls", "django_session")
# Each form: who may, who may not, and what is sent.
FORMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "verify": ("Support", "Auditor", {}),
    "credit": ("Finance", "Support", WHY),
    "dismiss": ("Finance", "Support", WHY),
    "refund": ("Support", "Operator", REFUND),
    "note": ("Operator", "Auditor", {"text": "Called twice."}),
}


def form_of(payment: PaymentLog, what: str) -> str:
    return f"{LIST}{payment.pk}/{what}/"


def act(client: Client, payment: PaymentLog, what: str, open_it: Any = open_form, **fields: Any) -> Any:
    url = form_of(payment, what)
    return send(client, url, open_it(client, url), **FORMS[what][2] | fields)

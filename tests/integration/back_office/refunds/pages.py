"""What is done on the pages of refunds, and what is there then."""

from billing.models import Wallet
from payments.models import Refund
from tests.integration.back_office.forms import keep_form_open, open_form, send
from tests.integration.back_office.reading import list_audit

LIST = "/admin/payments/refund/"
# 250 credits: more than one person may send back alone.
BIG = {"amount_minor": 41_250_000, "credit_amount": 250}


def decisions():
    """What the audit log keeps but for that the refund was asked for."""
    return [entry for entry in list_audit() if entry[0] != "refund.request"]


def page_of(refund):
    return f"{LIST}{refund.pk}/change/"


def form_of(refund, what):
    return f"{LIST}{refund.pk}/{what}/"


def do(client, refund, what, **fields):
    url = form_of(refund, what)
    return send(client, url, open_form(client, url), **{"comment": "Agreed"} | fields)


def do_late(client, refund, what, **fields):
    """Send the form that was opened when it was still shown."""
    url = form_of(refund, what)
    return send(client, url, keep_form_open(client, url), **{"comment": "Agreed"} | fields)


def state_of(refund):
    wallet = Wallet.objects.get(user=refund.payment.user)
    return Refund.objects.get(pk=refund.pk).state, wallet.balance, wallet.held

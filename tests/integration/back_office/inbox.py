"""The pages of the inbox: where they are, and how the form of an event is sent."""

from tests.integration.back_office.forms import open_form, send

LIST = "/admin/payments/webhookevent/"
ASIDE = {"next_attempt_at": None}


def page_of(event):
    return f"{LIST}{event.pk}/change/"


def form_of(event, action="replay"):
    return f"{LIST}{event.pk}/{action}/"


def do(client, event, action="replay", **fields):
    form = open_form(client, form_of(event, action))
    return send(client, form_of(event, action), form, **({"reason": "the ledger is back"} | fields))

"""Having many events replayed, as a browser asks for it."""

from tests.integration.back_office.forms import open_form, send

LIST = "/admin/payments/webhookevent/"
MANY = f"{LIST}replay-many/"
RUNS = "/admin/payments/replayrun/"
ASIDE = {"status": "dead", "error_class": "SomeError", "next_attempt_at": None}


def tick(*events):
    """Return the address that the list's form leads to."""
    return f"{MANY}?" + "&".join(f"event={event.pk}" for event in events)


def match(client, query):
    """Return the address that the link above the list leads to, with the moment at which it was followed."""
    answer = client.get(f"{MANY}?{query}")
    assert answer.status_code == 302
    return answer["Location"]


def ask(client, url, **fields):
    return send(client, url, open_form(client, url), **({"reason": "the ledger is back"} | fields))


def ids(run):
    return list(run.events.order_by("position").values_list("event_id", flat=True))


def page_of(run):
    return f"{RUNS}{run.pk}/change/"

"""Which events are replayed together: those that were ticked, that match the list's filters, or that failed before."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.utils import timezone

from payments import tasks
from payments.models import ReplayRun
from tests.factories.payments import WebhookEventFactory
from tests.integration.back_office.forms import open_form, read_messages, send
from tests.integration.back_office.reading import list_offers, read, words_of
from tests.integration.back_office.replaying import ASIDE, LIST, MANY, ask, ids, match, page_of, tick
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payments(sandbox):
    return [buy() for _ in range(3)]


@pytest.fixture
def dead(payments, sandbox):
    """The news that each was paid, all dead letters, in the order in which they came."""
    return [bury(told_events.pay(sandbox, payment)) for payment in payments]


def test_all_that_match_are_those_of_the_list(staff, dead):
    WebhookEventFactory(**ASIDE | {"event_type": "refund.failed"})
    WebhookEventFactory()
    client = staff("Operator")
    query = "status__exact=dead&event_type=charge.success&error_class=SomeError"

    ask(client, match(client, query))

    run = ReplayRun.objects.get()
    assert ids(run) == [event.pk for event in dead]
    assert run.asked_for == {
        "filter": {"status__exact": "dead", "event_type": "charge.success", "error_class": "SomeError"}
    }


@pytest.mark.parametrize("query", ["", "q=", "q=%20", "p=2", "o=1", "e=1", "event_type="])
def test_all_there_are_is_too_much(staff, query):
    WebhookEventFactory(**ASIDE)
    client = staff("Operator")

    answer = client.get(match(client, query))

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert read_messages(answer) == ["Choose events, or narrow the list down first: all there are is too much."]


def test_what_processing_again_could_do_nothing_for_is_left_out(staff, dead):
    useless = [
        WebhookEventFactory(**ASIDE | {"event_type": "transfer.success"}),
        WebhookEventFactory(**ASIDE | {"reference": ""}),
        WebhookEventFactory(**ASIDE | {"reference": "shop-1"}),
    ]
    client = staff("Support")

    for url in (match(client, "status__exact=dead"), tick(*dead, *useless)):
        page = read(client, url)
        answer = ask(client, url)

        assert "Events 3 events" in page
        assert "Left out 3 that processing again could do nothing for: they stay as they are" in page
        assert ids(ReplayRun.objects.get(pk=answer["Location"].split("/")[-3])) == [event.pk for event in dead]


def test_events_none_of_which_can_be_replayed_lead_back_with_a_sentence(staff):
    useless = WebhookEventFactory(**ASIDE | {"status": "ignored", "event_type": "transfer.success"})
    client = staff("Support")

    for url in (match(client, "status__exact=ignored"), tick(useless)):
        answer = client.get(url)

        assert (answer.status_code, answer["Location"]) == (302, LIST)
        assert read_messages(answer) == ["Processing these events again could not do anything: nothing was chosen."]


def test_what_would_fail_is_a_warning(staff, dead):
    WebhookEventFactory(**ASIDE)
    client = staff("Support")

    page = client.get(match(client, "status__exact=dead"))

    (warning,) = [fact.value for fact in page.context["facts"] if fact.label == "Would fail"]
    assert (warning.text, warning.tone) == (
        "1 of 4: what fails becomes a dead letter, unless it had its effect before",
        "danger",
    )


def test_a_replay_of_the_same_events_that_goes_on_is_named(staff, dead):
    ask(staff("Support"), tick(dead[0], dead[1]))
    run = ReplayRun.objects.get()

    page = staff("Operator").get(tick(*dead))

    assert "Under way Another replay of 2 of them has begun" in words_of(page)
    assert f"Running now Replay of 2 events by {run.by.username}" in words_of(page)
    assert page_of(run) in page.content.decode()


def test_what_failed_in_a_run_is_replayed_once_the_cause_is_gone(staff, dead, payments):
    lost = WebhookEventFactory(**ASIDE)
    client = staff("Support")
    ask(client, tick(*dead, lost))
    run = ReplayRun.objects.get()
    url = f"{MANY}?failed_of={run.pk}"
    assert list_offers(client, page_of(run)) == ["Stop"]
    assert read_messages(client.get(url)) == ["This replay goes on, or nothing failed in it."]
    tasks.continue_replays()

    offers = client.get(page_of(run)).context["offers"]
    page = read(client, url)
    answer = ask(client, url)

    assert [(offer.label, offer.url) for offer in offers] == [("Replay the failed", url)]
    assert list_offers(staff("Auditor"), page_of(run)) == []
    assert "Events 1 event Chosen what failed in an earlier replay" in page
    again = ReplayRun.objects.exclude(pk=run.pk).get()
    assert (answer["Location"], ids(again)) == (page_of(again), [lost.pk])
    assert page_of(run) in client.get(page_of(again)).content.decode()


@pytest.mark.parametrize("text", ["", "nonsense", "0d6c1f0e-0000-4000-8000-000000000000"])
def test_what_failed_in_no_run_leads_back_with_a_sentence(staff, text):
    answer = staff("Support").get(f"{MANY}?failed_of={text}")

    assert read_messages(answer) == ["There is no such replay."]


@pytest.mark.parametrize(
    "query",
    [
        "event=nonsense",
        "event=0d6c1f0e-0000-4000-8000-000000000000",
        "status__exact=nothing&until=2026-11-21T00:00:00%2B00:00",
        "status__exact=dead&until=nonsense",
        "status__exact=dead&until=2026-11-21",
        "nothing=1&until=2026-11-21T00:00:00%2B00:00",
        "status__exact=dead&until=2020-01-01T00:00:00%2B00:00",
    ],
)
def test_what_is_no_event_leads_back_to_the_list_with_a_sentence(staff, query):
    WebhookEventFactory(**ASIDE)
    client = staff("Operator")

    answer = client.get(f"{MANY}?{query}")

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert read_messages(answer) != []


@pytest.mark.parametrize("query", ["event_type=bogus", "received_at_from=nonsense", "nothing=1"])
def test_nothing_is_replayed_under_a_filter_that_the_list_does_not_know(staff, dead, query):
    client = staff("Operator")
    form = open_form(client, match(client, "status__exact=dead"))
    url = f"{MANY}?status__exact=dead&{query}&until={quote(timezone.now().isoformat())}"

    answer = send(client, url, form, reason="the ledger is back")

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert read_messages(answer)[-1] == "The list cannot be narrowed like this, so nothing was chosen."
    assert not ReplayRun.objects.exists()


def test_the_moment_is_kept_with_the_filter(staff):
    url = match(staff("Support"), "status__exact=dead&q=a+b%26c")

    asked = parse_qs(urlsplit(url).query)
    assert (asked.pop("until") != [], asked) == (True, {"status__exact": ["dead"], "q": ["a b&c"]})

"""The inbox: its list, an event's page, and what is done about one event."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.services import replays
from tests.factories.payments import PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.integration.back_office.inbox import ASIDE, LIST, do, page_of
from tests.integration.back_office.reading import count_queries, list_offers, read, words_of
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def dead(payment, sandbox):
    """The news that the payment was paid, a dead letter."""
    return bury(told_events.pay(sandbox, payment))


def list_shown(client, query=""):
    """Return the events that the list shows, in its order."""
    return list(client.get(f"{LIST}{query}").context["cl"].result_list)


def test_the_list_has_tabs_with_what_waits_and_the_newest_first(staff):
    older, newer = (WebhookEventFactory(status="dead", error_class="SomeError", **ASIDE) for _ in range(2))
    WebhookEventFactory(status="quarantined", **ASIDE)
    client = staff("Support")

    page = read(client, LIST)

    assert "Dead 2 waiting Quarantined 1 waiting Received Retrying Processed Ignored Dismissed" in page
    assert list_shown(client, "?status__exact=dead") == [newer, older]
    assert 'aria-current="page">Dead' in client.get(f"{LIST}?status__exact=dead").content.decode()


def test_the_list_is_narrowed_by_type_error_and_day(staff):
    wanted = WebhookEventFactory(event_type="refund.failed", error_class="SomeError", status="dead", **ASIDE)
    odd = WebhookEventFactory(event_type="", reference="", status="quarantined", **ASIDE)
    old = WebhookEventFactory(received_at=timezone.now() - timedelta(days=40))
    client = staff("Auditor")
    day = (timezone.now() - timedelta(days=35)).date()

    assert list_shown(client, "?event_type=refund.failed") == [wanted]
    assert list_shown(client, "?event_type=other") == [odd]
    assert list_shown(client, "?error_class=SomeError") == [wanted]
    assert list_shown(client, f"?received_at_to={day}") == [old]
    assert list_shown(client, f"?received_at_from={day}&status__exact=dead") == [wanted]


def test_the_list_is_searched_by_reference_and_number(staff):
    wanted = WebhookEventFactory(object_id=4_099)
    WebhookEventFactory()
    client = staff("Support")

    assert list_shown(client, f"?q={wanted.reference}") == list_shown(client, "?q=4099") == [wanted]
    assert list_shown(client, "?q=nothing") == []


def test_the_list_reads_no_body_and_costs_the_same_for_one_row_and_for_three(staff, django_assert_num_queries):
    client = staff("Operator")
    WebhookEventFactory()
    one = count_queries(client, LIST)
    for _ in range(2):
        WebhookEventFactory()

    with django_assert_num_queries(one) as queries:
        client.get(LIST)

    assert not [query for query in queries if '"body"' in query["sql"]]
    assert one <= 9


def test_boxes_and_ways_to_replay_are_for_whoever_may(staff):
    WebhookEventFactory(status="dead", **ASIDE)
    WebhookEventFactory(status="dismissed", **ASIDE)

    for role, boxes in (("Support", 1), ("Operator", 1), ("Finance", 1), ("Auditor", 0)):
        page = staff(role).get(f"{LIST}?q=&status__exact=dead").content.decode()
        assert page.count('name="event"') == boxes
        assert ("Replay all that match" in page, "Replay the ticked" in page) == (boxes == 1, boxes == 1)
    everything = staff("Support").get(LIST).content.decode()
    # The dismissed one has no box, and all there are is nothing to replay.
    assert (everything.count('name="event"'), "Replay all that match" in everything) == (1, False)


def test_replaying_all_that_match_keeps_every_filter_of_the_list(staff):
    WebhookEventFactory(status="dead", **ASIDE)

    page = staff("Support").get(f"{LIST}?event_type=charge.success&status__exact=dead").context

    assert set(page["matching"].lstrip("?").split("&")) == {"event_type=charge.success", "status__exact=dead"}


def test_the_file_of_the_list_has_no_boxes(staff):
    event = WebhookEventFactory()

    answer = staff("Auditor").post(f"{LIST}export/")
    boss = staff("Finance").post(f"{LIST}export/")

    for sent in (answer, boss):
        text = b"".join(sent.streaming_content).decode()
        assert (event.reference in text, "Choose" in text, "received_at" in text) == (True, False, True)


def test_the_page_tells_what_came_what_it_did_and_every_attempt(staff, dead, payment):
    replays.replay_event(event_id=dead.pk, by=staff("Operator").user, reason="the ledger is back")
    client = staff("Support")

    page = read(client, page_of(dead))

    for words in (
        "It had its effect.",
        f"Payment {payment.reference}",
        '"event": "charge.success"',
        '"currency": "NGN"',
        "None is kept: the signature was checked",
        "Processed – ",
        "the ledger is back",
    ):
        assert words in page
    assert '"customer"' not in page
    assert payment.email not in page


def test_the_page_of_a_failed_attempt_shows_its_error_and_who_asked(staff):
    event = WebhookEventFactory(status="dead", **ASIDE)
    client = staff("Operator")

    do(client, event)

    page = read(client, page_of(event))
    assert f"None has the reference {event.reference}" in page
    assert f"UnknownReferenceError There is no payment {event.reference}. {client.user.username} (replay)" in page


def test_the_page_of_an_event_whose_payment_is_known_by_its_reference_links_it(staff):
    payment = PaymentFactory()
    event = WebhookEventFactory(reference=payment.reference)

    page = staff("Support").get(page_of(event)).content.decode()

    assert f"/admin/payments/paymentlog/{payment.pk}/change/" in page


@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_the_page_of_an_odd_body_opens_and_hurts_nobody(staff, odd):
    event = WebhookEventFactory(
        body=odd.raw, event_type="", reference="", status=odd.status, error_class=odd.error_class
    )

    answer = staff("Support").get(page_of(event))

    assert answer.status_code == 200
    assert b"\x00" not in answer.content
    assert f"{len(odd.raw):,} byte" in words_of(answer)


@pytest.mark.parametrize("raw", [b"<script>alert(1)</script>", b'{"event": "<script>alert(1)</script>"', b"\x00" * 9])
def test_markup_in_a_body_is_text(staff, raw):
    event = WebhookEventFactory(body=raw, event_type="", reference="", status="quarantined", **ASIDE)

    page = staff("Support").get(page_of(event)).content.decode()

    assert "<script>alert" not in page
    assert ("\\x00" in page) or ("&lt;script&gt;alert(1)" in page)


def test_the_page_costs_the_same_for_one_attempt_and_for_three(staff):
    event = WebhookEventFactory()
    client = staff("Support")
    counts = []
    for _ in range(2):
        WebhookAttemptFactory(event=event, by=staff("Operator").user)
        WebhookAttemptFactory(event=event, by=staff("Operator").user)
        counts.append(count_queries(client, page_of(event)))

    assert counts[0] == counts[1]
    assert counts[0] <= 11


@pytest.mark.parametrize(
    ("status", "offers"),
    [
        ("received", ["Replay"]),
        ("retrying", ["Replay"]),
        ("processed", ["Replay"]),
        ("ignored", ["Replay"]),
        ("quarantined", ["Replay", "Dismiss"]),
        ("dead", ["Replay", "Dismiss"]),
        ("dismissed", []),
    ],
)
def test_only_what_makes_sense_is_offered_to_whoever_may(staff, status, offers):
    due = timezone.now() if status in {"received", "retrying"} else None
    done = timezone.now() if status == "processed" else None
    event = WebhookEventFactory(status=status, next_attempt_at=due, processed_at=done)

    assert list_offers(staff("Operator"), page_of(event)) == offers
    assert list_offers(staff("Support"), page_of(event)) == [offer for offer in offers if offer == "Replay"]
    assert list_offers(staff("Auditor"), page_of(event)) == []


def test_an_event_of_another_product_is_not_offered_for_replay(staff):
    event = WebhookEventFactory(status="ignored", reference="shop-1", **ASIDE)

    assert list_offers(staff("Operator"), page_of(event)) == []


def test_as_many_attempts_are_told_as_stand_in_the_table(staff):
    event = WebhookEventFactory(status="dead", attempts=3, next_attempt_at=None)
    for number in range(1, 6):
        WebhookAttemptFactory(event=event, number=number)
    passed = WebhookEventFactory(status="processed", attempts=1, next_attempt_at=None, processed_at=timezone.now())
    client = staff("Support")

    assert "Attempts 5 " in read(client, page_of(event))
    assert "Attempts 1 " in read(client, page_of(passed))

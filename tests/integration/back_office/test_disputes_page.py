"""Disputes: the nearest deadline first, and what each holds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.back_office.columns import show_exact_time
from tests.factories.disputes import open_dispute, resolve
from tests.factories.refunds import DisputeFactory
from tests.integration.back_office.gateway import expect
from tests.integration.back_office.reading import count_queries, list_offers, read
from tests.unit.payments.services.disputing import make_paid

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/dispute/"


@pytest.fixture
def gateway(sandbox):
    sandbox.expect = expect
    return sandbox


def page_of(dispute):
    return f"{LIST}{dispute.pk}/change/"


def rows(client, **asked):
    return [row.pk for row in client.get(LIST, asked).context["cl"].result_list]


def test_the_undecided_come_first_and_of_them_the_nearest_deadline(staff):
    now = timezone.now()
    far = DisputeFactory(due_at=now + timedelta(days=5))
    untold = DisputeFactory(due_at=None)
    longest = DisputeFactory(due_at=now - timedelta(days=9))
    near = DisputeFactory(due_at=now + timedelta(hours=5))
    past = DisputeFactory(due_at=now - timedelta(days=1))

    assert rows(staff("Support")) == [longest.pk, past.pk, near.pk, far.pk, untold.pk]


def test_what_was_decided_comes_last(staff, gateway):
    decided = resolve(gateway, open_dispute(gateway, make_paid(gateway)), "declined")
    undecided = DisputeFactory(due_at=None)

    assert rows(staff("Support")) == [undecided.pk, decided.pk]
    assert rows(staff("Support"), state__exact="won") == [decided.pk]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=5, minutes=1), "in 5 days"),
        (timedelta(hours=5, minutes=1), "in 5 hours"),
        (-timedelta(days=2, minutes=1), "2 days past due"),
        (None, "Not told"),
    ],
)
def test_the_deadline_stands_in_words_and_exactly(staff, left, words):
    dispute = DisputeFactory(due_at=left and timezone.now() + left)
    client = staff("Support")
    exactly = show_exact_time(dispute.due_at) if left else "–"

    listed, page = read(client, LIST), read(client, page_of(dispute))

    assert f"Deadline {words} Exactly {exactly} State Undecided" in page
    assert f"{words} {exactly.partition(' (')[0]} Undecided" in listed or left is None


def test_the_page_tells_what_is_held_and_what_to_do(staff, gateway):
    dispute = open_dispute(gateway, make_paid(gateway))

    page = read(staff("Support"), page_of(dispute))

    for words in (
        f"Dispute {dispute.gateway_dispute_id}",
        f"Payment {dispute.payment.reference} Customer {dispute.payment.user.username} Claimed 41,250.00 NGN",
        "Credited as 25.00 credits Held 25.00 of 25.00",
        "Answer it on Paystack's dashboard before the deadline",
        "Resolution none yet",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("resolution", "state", "held", "told"),
    [
        ("merchant-accepted", "Lost", "25.00 were taken", "The credits went with it"),
        ("declined", "Won", "25.00 were released", "The claim was turned down"),
        ("odd-word", "Needs a person", "25.00 of 25.00", "Look at it on Paystack's dashboard"),
    ],
)
def test_the_page_tells_how_it_ended(staff, gateway, resolution, state, held, told):
    dispute = resolve(gateway, open_dispute(gateway, make_paid(gateway)), resolution)

    page = read(staff("Support"), page_of(dispute))

    assert f"State {state} Payment" in page
    assert held in page
    assert told in page
    assert f"Resolution {resolution.replace('-', ' ')}" in page


def test_nothing_is_offered_for_it_is_answered_at_paystack(superuser):
    assert list_offers(superuser, page_of(DisputeFactory())) == []


def test_the_page_is_found_by_the_reference_of_its_hold(staff):
    dispute, client = DisputeFactory(), staff("Support")

    assert f"Dispute {dispute.gateway_dispute_id}" in read(client, f"{LIST}{dispute.reference}/change/")
    for nonsense in ("rfd-dispute-0", "rfd-dispute-x", f"rfd-dispute-{'9' * 30}", "rfd-dispute-²"):
        assert client.get(f"{LIST}{nonsense}/change/").status_code == 302


@pytest.mark.parametrize("name", ["number", "payment"])
def test_a_dispute_is_found_by(staff, name):
    dispute, _ = DisputeFactory(), DisputeFactory()
    terms = {"number": dispute.gateway_dispute_id, "payment": dispute.payment.reference}

    assert rows(staff("Support"), q=terms[name]) == [dispute.pk]


def test_who_may_not_see_it_does_not(staff):
    assert staff("Operator").get(page_of(DisputeFactory())).status_code == 403


def test_queries_do_not_grow_with_the_rows(staff):
    dispute, client = DisputeFactory(), staff("Support")
    before = [count_queries(client, url) for url in (LIST, LIST, page_of(dispute))][1:]

    DisputeFactory.create_batch(2)

    assert [count_queries(client, url) for url in (LIST, page_of(dispute))] == before


def test_a_dispute_leads_to_its_transaction_at_paystack(staff):
    dispute = DisputeFactory()

    page = staff("Support").get(page_of(dispute)).content.decode()

    assert f'href="https://dashboard.paystack.com/#/transactions/{dispute.payment.gateway_transaction_id}"' in page

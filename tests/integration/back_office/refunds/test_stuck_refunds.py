"""A refund that does not move: its page says what it waits for, and the dashboard that it is there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories.refunds import DisputeFactory, RefundFactory
from tests.factories.workers import hear_worker
from tests.integration.back_office.reading import read
from tests.integration.back_office.refunds.pages import page_of

pytestmark = pytest.mark.django_db(transaction=True)

PILE = "Refunds that do not move"


@pytest.fixture
def stuck():
    """A refund that was approved two days ago, and was never sent."""
    hear_worker()
    return RefundFactory(created_at=timezone.now() - timedelta(days=2), next_check_at=timezone.now())


def pile(client, part):
    return next((tile for tile in client.get("/admin/").context[part] if tile.name == PILE), None)


def test_its_page_does_not_say_that_it_goes_within_seconds(staff, stuck):
    page = read(staff("Support"), page_of(stuck))

    assert "State Sent next" in page
    assert "It should have been sent long ago, and nothing was." in page
    assert "within seconds" not in page


def test_its_page_says_that_it_waits_for_a_dispute(staff, stuck):
    DisputeFactory(payment=stuck.payment)

    assert "It is not sent now: the payer's bank disputes the payment" in read(staff("Support"), page_of(stuck))


def test_the_page_of_its_payment_says_the_same(staff, stuck):
    page = read(staff("Support"), f"/admin/payments/paymentlog/{stuck.payment_id}/change/")

    assert f"Its refund {stuck.reference} is approved. It should have been sent long ago, and nothing was." in page


@pytest.mark.parametrize(("role", "part"), [("Finance", "needs"), ("Support", "waits"), ("Auditor", "waits")])
def test_the_dashboard_counts_it_and_leads_to_it(staff, stuck, role, part):
    RefundFactory(next_check_at=timezone.now(), state="submitted", gateway_refund_id=7)
    client = staff(role)

    tile = pile(client, part)

    assert (tile.value, tile.tone, tile.more) == ("1", "danger", ["oldest 2\N{NO-BREAK SPACE}days ago"])
    assert [row.pk for row in client.get(tile.url).context["cl"].result_list] == [stuck.pk]


def test_the_dashboard_tells_nobody_of_it_who_sees_no_refunds(staff, stuck):
    client = staff("Operator")

    assert (pile(client, "needs"), pile(client, "waits")) == (None, None)


def test_the_dashboard_minds_none_that_was_just_approved(staff):
    RefundFactory(next_check_at=timezone.now())

    assert pile(staff("Finance"), "waits").value == "0"


def test_a_refund_leads_to_its_transaction_at_paystack(staff, stuck):
    page = staff("Support").get(page_of(stuck)).content.decode()

    assert f'href="https://dashboard.paystack.com/#/transactions/{stuck.payment.gateway_transaction_id}"' in page

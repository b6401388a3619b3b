"""How reviews ended: the list, and the page of one."""

import pytest

from payments.lifecycles import ReviewOutcome
from tests.factories.people import ReviewDecisionFactory
from tests.integration.back_office.reading import count_queries, read

pytestmark = pytest.mark.django_db

LIST = "/admin/payments/reviewdecision/"


def test_the_list_tells_what_it_was_for_and_how_it_ended(staff):
    decision = ReviewDecisionFactory(decided_by__username="ada")

    row = f"{decision.payment.reference[-8:]} Amount mismatch Dismissed ada The payer was told."
    assert row in read(staff("Support"), LIST)


@pytest.mark.parametrize("query", [{"outcome__exact": "credited"}, {"q": "ada"}])
def test_the_list_is_narrowed_by(staff, query):
    ReviewDecisionFactory()
    credited = ReviewDecisionFactory(outcome=ReviewOutcome.CREDITED, decided_by__username="ada")

    assert [row.pk for row in staff("Support").get(LIST, query).context["cl"].result_list] == [credited.pk]


def test_the_page_tells_who_decided_and_why(staff):
    decision = ReviewDecisionFactory(decided_by__username="ada", payment__user__username="carl")

    page = read(staff("Support"), f"{LIST}{decision.pk}/change/")

    assert f"Payment {decision.payment.reference} Customer carl" in page
    assert "It was for Amount mismatch: another amount was paid than was asked for Outcome Dismissed" in page
    assert "Decided by ada Why The payer was told. When" in page


def test_list_and_page_cost_the_same_for_one_row_and_for_three(superuser):
    costs = []
    for count in (1, 2):
        decisions = ReviewDecisionFactory.create_batch(count)
        pages = (LIST, f"{LIST}{decisions[0].pk}/change/")
        costs.append([count_queries(superuser, page) for page in pages])

    assert costs[0] == costs[1]

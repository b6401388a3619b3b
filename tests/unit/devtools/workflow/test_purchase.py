from decimal import Decimal

import pytest

from devtools.workflow import purchase
from devtools.workflow.errors import WorkflowError
from devtools.workflow.http_client import Client
from tests.unit.devtools.workflow.stand_in import StandIn


def take_from(stand_in, say=lambda _: None):
    client = Client(stand_in.url, {"Authorization": "Bearer key"})
    return purchase.take(client, client, say)


def test_take_reports_one_credit_and_every_step():
    said = []
    with StandIn() as stand_in:
        bought = take_from(stand_in, said.append)

    assert bought == purchase.Purchase("nmk-1", Decimal(10), Decimal(35), Decimal(25), 1)
    assert bought.credited_once is True
    assert stand_in.requests == [
        ("GET", "/api/v1/billing/balance"),
        ("POST", "/api/v1/payments/initialize"),
        ("POST", "/sandbox/pay"),
        ("POST", "/api/v1/payments/verify"),
        ("POST", "/api/v1/payments/verify"),
        ("GET", "/api/v1/billing/balance"),
        ("GET", "/api/v1/billing/transactions?type=credit&page_size=200"),
    ]
    assert len(said) == 8


def test_take_notices_a_double_credit():
    with StandIn(credits_per_payment=2) as stand_in:
        bought = take_from(stand_in)

    assert (bought.credits_found, bought.credited_once) == (2, False)


def test_take_gives_up_when_nothing_is_credited(monkeypatch):
    monkeypatch.setattr(purchase, "_CREDIT_SECONDS", 0.0)

    with StandIn(credits_per_payment=0) as stand_in, pytest.raises(WorkflowError, match=r"^Nothing was credited"):
        take_from(stand_in)


def test_take_waits_out_a_rate_limit():
    with StandIn(refusals=2) as stand_in:
        bought = take_from(stand_in)

    assert bought.credited_once is True


def test_take_says_which_answer_was_wrong():
    with StandIn(refusals=99) as stand_in, pytest.raises(WorkflowError) as caught:
        take_from(stand_in)

    assert str(caught.value) == "The purchase got 429 instead of 200: {'code': 'rate_limited'}"


@pytest.mark.parametrize(
    ("after", "credited", "found"),
    [("35", "25", 2), ("60", "25", 1), ("35", "24.99", 1), ("10", "0", 0)],
)
def test_credited_once_needs_number_amount_and_balance(after, credited, found):
    bought = purchase.Purchase("nmk-1", Decimal(10), Decimal(after), Decimal(credited), found)

    assert bought.credited_once is False


def test_call_of_a_server_that_is_away_has_status_0():
    with StandIn() as stand_in:
        url = stand_in.url

    assert Client(url, {}).call("GET", "/health/ready").status == 0

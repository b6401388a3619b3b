"""What the client sends and how it reads what comes back: against a server that answers as told."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from examples.answers import Balance, PostedTransaction
from examples.errors import ApiError
from tests.unit.examples.test_client_retries import BALANCE, DEBIT
from tests.unit.payments.gateways.paystack.scripted_gateway import answer


def test_request_carries_the_api_key_and_the_body_as_json(api, client):
    api.play(answer(201, DEBIT))

    client.debit(7, Decimal("1E+1"), reference="sms-1", service="sms")

    sent = api.requests[0]
    assert (sent.method, sent.path) == ("POST", "/api/v1/billing/debits")
    assert (sent.headers["authorization"], sent.headers["content-type"]) == ("Bearer key-1", "application/json")
    assert json.loads(sent.body) == {"user_id": 7, "amount": "10", "reference": "sms-1", "service": "sms"}


def test_reverse_without_an_amount_asks_for_all_that_is_left(api, client):
    api.play(answer(201, {**DEBIT, "type": "reversal", "reference": "rvs-1", "reverses": "sms-1"}))

    given_back = client.reverse("sms-1", reason="Not delivered")

    sent = api.requests[0]
    assert (sent.path, json.loads(sent.body)) == ("/api/v1/billing/debits/sms-1/reverse", {"reason": "Not delivered"})
    assert given_back == PostedTransaction(
        id=UUID("01900000-0000-7000-8000-000000000001"),
        type="reversal",
        amount=Decimal("-1.50"),
        balance_after=Decimal("23.50"),
        reference="rvs-1",
        description="",
        service="sms",
        payment_reference=None,
        reverses="sms-1",
        status="completed",
        created_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        user_id=7,
    )


def test_balance_of_a_user_without_a_wallet_has_no_time(api, client):
    api.play(answer(200, BALANCE))

    assert client.balance() == Balance(Decimal("25.00"), Decimal("0.00"), Decimal("25.00"), "USD", None)


def test_member_that_the_api_adds_one_day_is_skipped(api, client):
    api.play(answer(200, {**BALANCE, "overdraft": "5.00"}))

    assert client.balance().available == Decimal("25.00")


def test_transactions_follow_the_link_and_send_the_key_to_no_other_host(api, client):
    elsewhere = "https://elsewhere.example.com/api/v1/billing/transactions?cursor=cD0y&type=debit"
    api.play(
        answer(200, {"next": elsewhere, "previous": None, "results": [DEBIT]}),
        answer(200, {"next": None, "previous": None, "results": [DEBIT]}),
    )

    found = list(client.transactions(type="debit"))

    assert [entry.reference for entry in found] == ["sms-1", "sms-1"]
    assert [request.path for request in api.requests] == [
        "/api/v1/billing/transactions?page_size=200&type=debit",
        "/api/v1/billing/transactions?cursor=cD0y&type=debit",
    ]


def test_error_tells_all_that_the_problem_tells(api, client):
    errors = [{"field": "amount", "code": "invalid", "message": "Must be a plain decimal number."}]
    body = {"status": 400, "code": "validation_error", "detail": "Some fields are not valid.", "errors": errors}
    api.play(answer(400, body, X_Request_ID="r-1"))

    with pytest.raises(ApiError) as refused:
        client.balance()

    error = refused.value
    assert (error.code, error.status, error.detail) == ("validation_error", 400, "Some fields are not valid.")
    assert (error.errors, error.request_id) == (tuple(errors), "r-1")
    assert str(error) == "validation_error: Some fields are not valid. (status 400, request r-1)"

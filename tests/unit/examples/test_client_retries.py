"""When the client sends again, and what: against a server that answers as told."""

import socket
import time
from decimal import Decimal
from uuid import UUID

import pytest

from examples.client import Client
from examples.errors import ApiError
from tests.unit.payments.gateways.paystack.scripted_gateway import answer, hang, hang_up, reset, send_half

KEY = UUID("0d6c1f0e-0000-4000-8000-000000000000")
BALANCE = {"balance": "25.00", "held": "0.00", "available": "25.00", "currency": "USD", "updated_at": None}
DEBIT = {
    "id": "01900000-0000-7000-8000-000000000001",
    "type": "debit",
    "amount": "-1.50",
    "balance_after": "23.50",
    "reference": "sms-1",
    "description": "",
    "service": "sms",
    "payment_reference": None,
    "reverses": None,
    "status": "completed",
    "created_at": "2026-11-21T10:00:00Z",
    "user_id": 7,
}


def problem(status, code, **headers):
    body = {"status": status, "code": code, "detail": "A sentence.", "request_id": "r-1"}
    return answer(status, body, **{"X_Request_ID": "r-1", **headers})


def debit(client, **options):
    return client.debit(7, Decimal("1.50"), reference="sms-1", service="sms", **options)


def keys(api):
    return [request.headers["idempotency-key"] for request in api.requests]


@pytest.mark.parametrize("failure", [reset, hang_up, send_half])
def test_debit_is_sent_again_under_the_same_key_when_the_connection_breaks(api, client, failure):
    api.play(failure, failure, answer(201, DEBIT))

    taken = debit(client)

    assert taken.amount == Decimal("-1.50")
    assert len(keys(api)) == 3
    assert len(set(keys(api))) == 1
    assert len({request.body for request in api.requests}) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "request_in_progress"),
        (409, "concurrent_update"),
        (429, "rate_limited"),
        (500, "internal_error"),
        (503, "gateway_outcome_unknown"),
        (503, "a_code_of_a_later_version"),
    ],
)
def test_debit_is_sent_again_under_the_same_key_when_it_cannot_be_done_now(api, client, status, code):
    api.play(problem(status, code), answer(201, DEBIT))

    debit(client)

    assert len(keys(api)) == 2
    assert len(set(keys(api))) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_page_of_a_proxy_that_cannot_reach_the_api_is_not_the_last_word(api, client, status):
    api.play(answer(status, b"<h1>Bad Gateway</h1>"), answer(201, DEBIT))

    debit(client)

    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "validation_error"),
        (402, "insufficient_credits"),
        (409, "reference_used"),
        (422, "idempotency_key_reused"),
        (502, "gateway_rejected"),
    ],
)
def test_refusal_that_would_be_repeated_is_raised_at_once(api, client, clock, status, code):
    api.play(problem(status, code))

    with pytest.raises(ApiError) as refused:
        debit(client)

    assert (refused.value.status, refused.value.code) == (status, code)
    assert (refused.value.is_temporary, len(api.requests), clock.pauses) == (False, 1, [])


@pytest.mark.parametrize("status", [200, 301, 404])
def test_answer_that_is_not_the_apis_is_raised_at_once(api, client, status):
    api.play(answer(status, b"<h1>Please sign in</h1>"))

    with pytest.raises(ApiError) as refused:
        client.balance()

    assert (refused.value.status, refused.value.code) == (status, "unreadable_answer")
    assert len(api.requests) == 1


@pytest.mark.usefixtures("longest_pauses")
def test_pauses_double_up_to_eight_seconds(api, client, clock):
    api.play(*[reset] * 6, answer(200, BALANCE))

    client.balance()

    assert clock.pauses == [0.5, 1, 2, 4, 8, 8]


def test_pauses_are_spread_below_their_bound(api, client, clock):
    api.play(*[reset] * 6, answer(200, BALANCE))

    client.balance()

    shares = [pause / bound for pause, bound in zip(clock.pauses, [0.5, 1, 2, 4, 8, 8], strict=True)]
    assert [share for share in shares if not 0 < share < 1] == []
    assert len(set(shares)) == 6


@pytest.mark.usefixtures("longest_pauses")
def test_retry_after_is_waited_for_and_a_little_more(api, client, clock):
    api.play(problem(429, "rate_limited", Retry_After="42"), answer(200, BALANCE))

    client.balance()

    assert clock.pauses == [42.5]


@pytest.mark.usefixtures("longest_pauses")
def test_retry_after_that_is_a_date_is_not_waited_for(api, client, clock):
    api.play(problem(503, "payment_busy", Retry_After="Sat, 21 Nov 2026 10:00:00 GMT"), answer(200, BALANCE))

    client.balance()

    assert clock.pauses == [0.5]


def test_wait_that_would_end_after_the_deadline_is_not_begun(api, client, clock):
    api.play(problem(429, "rate_limited", Retry_After="90"))

    with pytest.raises(ApiError) as refused:
        client.balance()

    assert (refused.value.code, refused.value.retry_after_seconds) == ("rate_limited", 90.0)
    assert (refused.value.is_temporary, clock.pauses) == (True, [])


@pytest.mark.usefixtures("longest_pauses")
def test_api_that_never_answers_is_given_up_within_the_deadline(api, client, clock):
    api.play(reset)

    with pytest.raises(ApiError) as failed:
        debit(client)

    assert (failed.value.status, failed.value.code) == (0, "no_answer")
    assert sum(clock.pauses) == 87.5
    assert len(set(keys(api))) == 1


def test_attempt_waits_no_longer_than_the_time_that_is_left(api):
    api.play(hang)
    began = time.monotonic()

    with Client(api.url, "key-1", total_seconds=0.3) as client, pytest.raises(ApiError) as failed:
        client.balance()

    assert (failed.value.status, failed.value.code) == (0, "no_answer")
    assert len(api.requests) == 1
    assert time.monotonic() - began < 5


def test_sleep_that_oversleeps_the_deadline_leaves_a_moment_for_the_last_attempt(api, clock):
    api.play(reset, answer(200, BALANCE))

    with Client(api.url, "key-1", sleep=lambda seconds: clock.sleep(seconds + 100), clock=clock) as client:
        balance = client.balance()

    assert balance.balance == Decimal("25.00")


def test_nobody_listening_is_raised_as_the_same_error(clock):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"

        with Client(nobody, "key-1", sleep=clock.sleep, clock=clock) as client, pytest.raises(ApiError) as failed:
            client.balance()

    assert (failed.value.status, failed.value.code) == (0, "no_answer")


def test_each_operation_has_a_key_of_its_own(api, client):
    api.play(answer(201, DEBIT))

    debit(client)
    debit(client)

    assert len(set(keys(api))) == 2


def test_key_of_an_earlier_process_is_used(api, client):
    api.play(reset, answer(201, DEBIT))

    debit(client, key=KEY)

    assert keys(api) == [str(KEY), str(KEY)]

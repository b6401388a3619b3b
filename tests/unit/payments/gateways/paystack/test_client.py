import json
import time
import tracemalloc

import pytest

from namaskah.errors import (
    GatewayMisconfiguredError,
    GatewayOutcomeUnknownError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from payments.gateways.paystack import client
from payments.gateways.paystack.answers import MAX_ANSWER_BYTES

from .scripted_gateway import (
    answer,
    drip_body,
    drip_head,
    gzipped,
    hang,
    hang_up,
    reset,
    send_half,
)

YES = {"status": True, "message": "Done", "data": {"id": 7}}
NO = {"status": False, "message": "Currency not supported by merchant", "code": "unsupported_currency"}


def make_big(size: int) -> bytes:
    """Return an envelope of exactly `size` bytes that says yes."""
    envelope = json.dumps({**YES, "padding": ""}).encode()
    return envelope.replace(b'"padding": ""', b'"padding": "' + b"x" * (size - len(envelope)) + b'"')


def read(data, redacted):
    return data, redacted


def get():
    return client.get("/things/7", read=read)


def post():
    return client.post("/things", body={"name": "x"}, read=read)


# What a server may do to a request that it has read, without saying yes or no.
NO_ANSWERS = [
    pytest.param(reset, id="reset"),
    pytest.param(hang_up, id="hangs up"),
    pytest.param(send_half, id="half a body"),
    pytest.param(answer(500, NO), id="500"),
    pytest.param(answer(500, {**NO, "code": "invalid_key"}), id="500 about the key"),
    pytest.param(answer(502, b"<html>Bad gateway</html>"), id="502"),
    pytest.param(answer(503, YES), id="503 that says yes"),
    pytest.param(answer(200, b"<html>Maintenance</html>"), id="HTML"),
    pytest.param(answer(200, b""), id="empty"),
    pytest.param(answer(200, b"\xff\xfe\x00"), id="no text"),
    pytest.param(answer(200, b'{"status": true'), id="broken JSON"),
    pytest.param(answer(200, b"[" * 100_000), id="too deep"),
    pytest.param(answer(200, b'{"status": true, "data": ' + b"9" * 5000 + b"}"), id="huge number"),
    pytest.param(answer(200, [YES]), id="list"),
    pytest.param(answer(200, {"data": {"id": 7}}), id="no status"),
    pytest.param(answer(200, {**YES, "status": "true"}), id="status a word"),
    pytest.param(answer(200, {**YES, "status": "false"}), id="status the other word"),
    pytest.param(answer(200, {**YES, "status": 1}), id="status a number"),
    pytest.param(answer(400, {**YES, "status": 0}), id="400 with status a number"),
    pytest.param(answer(400, YES), id="400 that says yes"),
    pytest.param(answer(403, b"<html>Forbidden</html>"), id="403 from something else"),
    pytest.param(answer(302, NO, location="/elsewhere"), id="redirect"),
    pytest.param(answer(200, make_big(MAX_ANSWER_BYTES + 1)), id="too big"),
    pytest.param(gzipped(200, make_big(50 * MAX_ANSWER_BYTES)), id="gzip bomb"),
    pytest.param(answer(200, json.dumps(YES).encode(), content_encoding="gzip"), id="gzip that is none"),
    pytest.param(answer(200, json.dumps(YES).encode(), content_encoding="br"), id="unknown encoding"),
]
SLOW_ANSWERS = [
    pytest.param(hang, id="hangs"),
    pytest.param(drip_head, id="drips its head"),
    pytest.param(drip_body, id="drips its body"),
]


@pytest.mark.parametrize("call", [get, post])
def test_call_accepted(gateway, call):
    gateway.play(answer(200, YES))

    assert call() == ({"id": 7}, {"http_status": 200, "status": True, "message": "Done", "data": {"id": 7}})


@pytest.mark.parametrize("call", [get, post])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 422])
def test_call_refused(gateway, call, status):
    gateway.play(answer(status, NO))

    with pytest.raises(GatewayRejectedError) as error:
        call()

    assert error.value.detail == "Currency not supported by merchant"
    assert error.value.gateway_code == "unsupported_currency"
    assert error.value.answer == {"http_status": status, **NO}
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("refusal", "detail", "gateway_code"),
    [
        ({"message": "No\x00\ud800\n" + "x" * 300, "code": "c" * 100}, "No" + "x" * 198, "c" * 60),
        ({"message": ["No"], "code": 7}, "Paystack refused without giving a reason.", ""),
        ({}, "Paystack refused without giving a reason.", ""),
    ],
)
def test_call_refused_message_and_code_are_cut_and_cleaned(gateway, refusal, detail, gateway_code):
    gateway.play(answer(400, {"status": False, **refusal}))

    with pytest.raises(GatewayRejectedError) as error:
        post()

    assert (error.value.detail, error.value.gateway_code) == (detail, gateway_code)


def test_call_refused_with_the_documented_word(gateway):
    gateway.play(answer(400, {"status": "false", "message": "No"}))

    with pytest.raises(GatewayRejectedError):
        post()


@pytest.mark.parametrize("call", [get, post])
@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(answer(401, {"status": False, "message": "Invalid key", "code": "invalid_Key"}), id="envelope"),
        pytest.param(answer(401, b"<html>Unauthorized</html>"), id="HTML"),
        pytest.param(answer(400, {"status": False, "message": "Invalid key", "code": "invalid_key"}), id="code alone"),
    ],
)
def test_call_key_refused(gateway, call, refusal):
    gateway.play(refusal)

    with pytest.raises(GatewayMisconfiguredError):
        call()

    assert len(gateway.requests) == 1


@pytest.mark.parametrize("behaviour", NO_ANSWERS)
def test_post_without_usable_answer_is_outcome_unknown_and_not_repeated(gateway, behaviour):
    gateway.play(behaviour)

    with pytest.raises(GatewayOutcomeUnknownError):
        post()

    assert len(gateway.requests) == 1


@pytest.mark.parametrize("behaviour", NO_ANSWERS)
def test_get_without_usable_answer_is_unavailable(gateway, behaviour):
    gateway.play(behaviour)

    with pytest.raises(GatewayUnavailableError):
        get()


@pytest.mark.parametrize("behaviour", SLOW_ANSWERS)
@pytest.mark.usefixtures("impatience")
def test_post_slow_answer_is_outcome_unknown_at_the_deadline(gateway, behaviour):
    gateway.play(behaviour)
    started_at = time.monotonic()

    with pytest.raises(GatewayOutcomeUnknownError):
        post()

    assert time.monotonic() - started_at < 2
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("behaviour", SLOW_ANSWERS)
@pytest.mark.usefixtures("impatience")
def test_get_slow_answer_is_unavailable_at_the_deadline(gateway, behaviour):
    gateway.play(behaviour)
    started_at = time.monotonic()

    with pytest.raises(GatewayUnavailableError):
        get()

    assert time.monotonic() - started_at < 2


def test_post_on_a_kept_connection_that_breaks_is_outcome_unknown(gateway):
    gateway.play(answer(200, YES), hang_up)
    post()

    with pytest.raises(GatewayOutcomeUnknownError):
        post()

    assert gateway.requests[0].peer == gateway.requests[1].peer


def test_get_gzip_bomb_is_never_inflated(gateway):
    gateway.play(gzipped(200, make_big(50 * MAX_ANSWER_BYTES)))
    tracemalloc.start()

    try:
        with pytest.raises(GatewayUnavailableError):
            get()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 6 * MAX_ANSWER_BYTES


def test_call_redirect_is_not_followed(gateway):
    gateway.play(answer(302, b"", location="/elsewhere"), answer(200, YES))

    with pytest.raises(GatewayUnavailableError):
        get()

    assert [request.path for request in gateway.requests] == ["/things/7"]


@pytest.mark.parametrize("content", [make_big(MAX_ANSWER_BYTES), json.dumps(YES).encode()])
def test_get_takes_answers_up_to_the_limit(gateway, content):
    gateway.play(answer(200, content), gzipped(200, content))

    assert get() == get()


@pytest.mark.parametrize("call", [get, post])
def test_call_server_error_keeps_what_was_said(gateway, call):
    gateway.play(answer(500, {"status": False, "message": "Oops", "customer": "secret"}))

    with pytest.raises((GatewayUnavailableError, GatewayOutcomeUnknownError)) as error:
        call()

    assert error.value.answer == {"http_status": 500, "status": False, "message": "Oops"}


@pytest.mark.parametrize("call", [get, post])
def test_call_unreadable_answer_keeps_its_status_alone(gateway, call):
    gateway.play(answer(200, b"<html>Maintenance</html>"))

    with pytest.raises((GatewayUnavailableError, GatewayOutcomeUnknownError)) as error:
        call()

    assert error.value.answer == {"http_status": 200}


@pytest.mark.parametrize("trouble", [reset, send_half, answer(500, NO), answer(429, NO, x_ratelimit_reset="0")])
def test_get_is_repeated_after_trouble(gateway, trouble):
    gateway.play(trouble, trouble, answer(200, YES))

    data, _ = get()

    assert data == {"id": 7}
    assert len(gateway.requests) == 3


def test_get_gives_up_after_three_attempts(gateway):
    gateway.play(answer(500, NO))

    with pytest.raises(GatewayUnavailableError):
        get()

    assert len(gateway.requests) == 3


def test_get_rate_limited_waits_for_the_reset(gateway):
    gateway.play(answer(429, NO, x_ratelimit_reset="1"), answer(200, YES))
    started_at = time.monotonic()

    get()

    assert time.monotonic() - started_at >= 1


@pytest.mark.parametrize(
    ("reset_header", "retry_after_seconds"), [("30", 30), ("5.2", 6), ("1793802157", 60), ("inf", 60)]
)
def test_get_rate_limited_beyond_the_deadline_is_not_repeated(gateway, reset_header, retry_after_seconds):
    gateway.play(answer(429, NO, x_ratelimit_reset=reset_header))

    with pytest.raises(GatewayUnavailableError) as error:
        get()

    assert error.value.retry_after_seconds == retry_after_seconds
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("headers", "retry_after_seconds"),
    [
        ({"x_ratelimit_reset": "12"}, 12),
        ({"x_ratelimit_reset": "soon"}, 5),
        ({"x_ratelimit_reset": "-3"}, 5),
        ({"x_ratelimit_reset": "nan"}, 5),
        ({}, 5),
    ],
)
def test_post_rate_limited_is_unavailable_and_not_repeated(gateway, headers, retry_after_seconds):
    gateway.play(answer(429, {"status": False, "message": "Rate limit exceeded!", "code": "rate_limited"}, **headers))

    with pytest.raises(GatewayUnavailableError) as error:
        post()

    assert error.value.retry_after_seconds == retry_after_seconds
    assert len(gateway.requests) == 1

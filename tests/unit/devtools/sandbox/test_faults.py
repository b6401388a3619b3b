import contextlib
import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from devtools.sandbox.faults.registry import FAULTS
from tests.waiting import wait_until

from .conftest import ORDER


def referred(sandbox):
    return [row["reference"] for row in sandbox.transactions()]


def test_every_fault_of_the_catalogue_is_known():
    # The scripts read them in.
    assert set(FAULTS) == {
        "drip",
        "gzip_bomb",
        "half_body",
        "html_200",
        "http_500",
        "http_500_after_accept",
        "http_503",
        "missing_data",
        "not_json",
        "rate_limited",
        "rejected",
        "reset_after_accept",
        "reset_before_accept",
        "timeout_after_accept",
        "timeout_before_accept",
        "unauthorized",
        "wrong_reference",
    }


@pytest.mark.parametrize(
    ("fault", "status", "accepted"),
    [
        ("http_500", 500, False),
        ("http_500_after_accept", 500, True),
        ("http_503", 503, False),
        ("rate_limited", 429, False),
        ("unauthorized", 401, False),
        ("rejected", 400, False),
        ("html_200", 200, False),
        ("not_json", 200, True),
        ("wrong_reference", 200, True),
        ("missing_data", 200, True),
        ("gzip_bomb", 200, True),
    ],
)
def test_fault_answers_and_is_over_after_once(sandbox, initialize, fault, status, accepted):
    sandbox.script(operation="initialize", fault=fault, **({"megabytes": 1} if fault == "gzip_bomb" else {}))

    answer = initialize()

    assert answer.status_code == status
    assert referred(sandbox) == (["nmk-1"] if accepted else [])
    assert initialize(reference="nmk-2").json()["data"]["reference"] == "nmk-2"


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset_breaks_the_connection(sandbox, initialize, when):
    sandbox.script(operation="initialize", fault=f"reset_{when}_accept")

    with pytest.raises(httpx.ReadError) as caught:
        initialize()

    assert "reset" in str(caught.value).lower()
    assert referred(sandbox) == (["nmk-1"] if when == "after" else [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_timeout_says_nothing_until_the_client_leaves(sandbox, api, when):
    sandbox.script(operation="initialize", fault=f"timeout_{when}_accept")

    with pytest.raises(httpx.ReadTimeout):
        api.post("/transaction/initialize", json=ORDER, timeout=0.2)

    assert referred(sandbox) == (["nmk-1"] if when == "after" else [])


def test_timeout_ends_the_connection_after_its_seconds(sandbox, initialize):
    sandbox.script(operation="initialize", fault="timeout_before_accept", seconds=0.1)

    with pytest.raises(httpx.RemoteProtocolError):
        initialize()


def test_timeout_holds_against_a_client_that_sends_more(sandbox):
    sandbox.script(operation="verify", fault="timeout_before_accept", seconds=0.15)
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))) as connection:
        connection.sendall(b"GET /transaction/verify/x HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: sandbox.scripts.list() == [], seconds=5)
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")

        # The end may be a reset, because what came last was never read.
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_drip_ends_with_the_sandbox(sandbox, visitor):
    sandbox.script(operation="verify", fault="drip", pause_milliseconds=1)

    with visitor.stream("GET", "/transaction/verify/x") as response:
        sandbox.stopped.set()
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()


def test_half_body_promises_more_than_it_sends(sandbox, initialize):
    sandbox.script(operation="initialize", fault="half_body")

    with pytest.raises(httpx.RemoteProtocolError) as caught:
        initialize()

    assert str(caught.value).startswith("peer closed connection without sending complete message body")


def test_drip_sends_the_true_answer_byte_by_byte(sandbox, api, page):
    sandbox.script(operation="fetch", fault="drip", pause_milliseconds=1)
    number = sandbox.transactions()[0]["id"]

    with api.stream("GET", f"/transaction/{number}") as response:
        chunks = list(response.iter_raw())

    assert json.loads(b"".join(chunks))["data"]["reference"] == "nmk-1"
    assert len(chunks) > 100


def test_drip_ends_with_its_client(sandbox, visitor, initialize):
    sandbox.script(operation="verify", fault="drip", pause_milliseconds=1)

    with visitor.stream("GET", "/transaction/verify/x"):
        pass

    assert initialize(reference="nmk-2").status_code == 200


def test_rate_limit_tells_when_it_ends(sandbox, initialize):
    sandbox.script(operation="initialize", fault="rate_limited", reset_seconds=7)

    answer = initialize()

    assert (answer.headers["x-ratelimit-reset"], answer.headers["x-ratelimit-remaining"]) == ("7", "0")
    assert (answer.json()["code"], answer.json()["message"]) == ("rate_limited", "Rate limit exceeded!")


def test_rejection_says_what_the_script_says(sandbox, initialize):
    sandbox.script(operation="initialize", fault="rejected", code="no_funds", message="No.", status=402)

    answer = initialize()

    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (402, "no_funds", "No.")


@pytest.mark.parametrize("accepted", [True, False])
def test_html_comes_with_or_without_the_effect(sandbox, initialize, accepted):
    sandbox.script(operation="initialize", fault="html_200", accepted=accepted)

    answer = initialize()

    assert answer.text.startswith("<!doctype html>")
    assert referred(sandbox) == (["nmk-1"] if accepted else [])


def test_gzip_bomb_is_small_on_the_wire_and_large_when_inflated(sandbox, api, page):
    sandbox.script(operation="verify", fault="gzip_bomb", megabytes=3)

    with api.stream("GET", "/transaction/verify/nmk-1") as response:
        raw = b"".join(response.iter_raw())

    assert len(raw) < 10_000
    assert len(gzip.decompress(raw)) > 3 * 1024 * 1024


def test_wrong_reference_and_missing_data_change_the_honest_answer(sandbox, api, page):
    sandbox.script(operation="verify", fault="wrong_reference", answered="other")
    sandbox.script(operation="verify", fault="missing_data")

    wrong, missing = (api.get("/transaction/verify/nmk-1").json() for _ in range(2))

    assert (wrong["data"]["reference"], wrong["data"]["amount"]) == ("other", 250_000)
    assert missing == {"status": True, "message": "Verification successful"}


def test_answer_without_data_or_with_a_list_stays_as_it_is(sandbox, api, page):
    sandbox.script(operation="any", fault="missing_data", times=2)

    refused, listed = api.get("/transaction/verify/x"), api.get("/transaction")

    assert refused.json()["code"] == "transaction_not_found"
    assert [row["reference"] for row in listed.json()["data"]] == ["nmk-1"]


def test_a_fault_does_nothing_for_a_wrong_key(sandbox, api):
    sandbox.script(operation="initialize", fault="http_500_after_accept")

    answer = api.post("/transaction/initialize", json=ORDER, headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, referred(sandbox)) == (500, [])


def test_latency_holds_every_answer_back(sandbox, api, page):
    sandbox.settings.latency_milliseconds = 60
    began = time.perf_counter()

    api.get("/transaction/verify/nmk-1")

    assert time.perf_counter() - began >= 0.06


def test_a_silent_call_does_not_hold_up_the_others_nor_the_end(sandbox, api):
    sandbox.script(operation="initialize", fault="timeout_after_accept")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.post, "/transaction/initialize", json=ORDER, timeout=60)
        wait_until(lambda: referred(sandbox) == ["nmk-1"], seconds=5)

        other = api.get("/transaction/verify/nmk-1")
        sandbox.stopped.set()

        assert other.status_code == 200
        assert isinstance(waiting.exception(timeout=5), httpx.RemoteProtocolError)

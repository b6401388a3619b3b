import math
import time

import httpx
import pytest

from payments.gateways.paystack.deadlines import DeadlineTransport, deadline_in, get_seconds_left

from .scripted_gateway import answer, drip_body, drip_head, hang


@pytest.fixture
def http(gateway):
    gateway.play(answer(200, {}))
    with httpx.Client(base_url=gateway.url, transport=DeadlineTransport(max_connections=1), timeout=5) as client:
        yield client


def test_get_seconds_left_without_deadline_is_for_ever():
    assert get_seconds_left() == math.inf


def test_deadline_in_ends_with_its_block():
    with deadline_in(10):
        left = get_seconds_left()

    assert 9 < left <= 10
    assert get_seconds_left() == math.inf


def test_transport_connect_after_the_deadline(http, gateway):
    with deadline_in(0), pytest.raises(httpx.ConnectTimeout):
        http.get("/")

    assert gateway.requests == []


def test_transport_write_after_the_deadline(http, gateway):
    http.get("/")

    with deadline_in(0), pytest.raises(httpx.TimeoutException):
        http.get("/")

    assert len(gateway.requests) == 1


@pytest.mark.parametrize("behaviour", [hang, drip_head, drip_body])
def test_transport_read_ends_at_the_deadline(http, gateway, behaviour):
    gateway.play(behaviour)
    started_at = time.monotonic()

    with deadline_in(0.2), pytest.raises(httpx.ReadTimeout):
        http.get("/")

    assert time.monotonic() - started_at < 2


def test_transport_time_out_of_its_own_comes_first(gateway):
    gateway.play(drip_head)
    transport = DeadlineTransport(max_connections=1)

    with (
        httpx.Client(base_url=gateway.url, transport=transport, timeout=httpx.Timeout(0.01)) as http,
        deadline_in(60),
        pytest.raises(httpx.ReadTimeout),
    ):
        http.get("/")


def test_transport_without_any_time_out(gateway):
    gateway.play(answer(200, {}))

    with (
        httpx.Client(
            base_url=gateway.url,
            transport=DeadlineTransport(max_connections=1),
            timeout=None,  # noqa: S113 -- on purpose
        ) as http,
        deadline_in(5),
    ):
        assert http.get("/").status_code == 200

"""How a delivery's length is told, in all the ways that HTTP has and some that it has not, against gunicorn."""

import socket

import pytest

from payments.models import WebhookEvent
from tests.events import charge_success, sign
from tests.processes.product import WEBHOOK_PATH

RAW = charge_success(reference="nmk-0123456789", amount_minor=4_125_000, transaction_id=302_961)

pytestmark = pytest.mark.faults


@pytest.fixture
def status_of(running_product):
    """Return what sends a signed delivery with these headers and this body, and returns the answer's status."""

    def send(*headers, body=RAW):
        lines = [f"POST {WEBHOOK_PATH} HTTP/1.1", "Host: localhost", f"X-Paystack-Signature: {sign(RAW)}", *headers]
        with socket.create_connection(("127.0.0.1", running_product.port), timeout=30) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            return int(connection.makefile("rb").readline().split()[1])

    return send


def test_a_chunked_delivery_is_stored(status_of):
    body = b"%x\r\n%b\r\n5\r\n%b\r\n0\r\n\r\n" % (len(RAW) - 5, RAW[:-5], RAW[-5:])

    status = status_of("Transfer-Encoding: chunked", body=body)

    assert (status, bytes(WebhookEvent.objects.get().body)) == (200, RAW)


def test_a_delivery_without_a_length_has_no_body(status_of):
    assert (status_of(), WebhookEvent.objects.count()) == (401, 0)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Content-Length: -1"], id="negative"),
        pytest.param(["Content-Length: abc"], id="no number"),
        pytest.param(["Content-Length: +5"], id="with a sign"),
        pytest.param(["Content-Length: 1_0"], id="with an underscore"),
        pytest.param(["Content-Length: 5", "Content-Length: 6"], id="twice"),
        pytest.param(["Content-Length: 5", "Transfer-Encoding: chunked"], id="two lengths"),
        pytest.param(["Transfer-Encoding: gzip"], id="no end"),
    ],
)
def test_a_length_that_two_readers_may_understand_differently_is_refused(status_of, headers):
    assert (status_of(*headers), WebhookEvent.objects.count()) == (400, 0)

"""What only a real server meets: headers that Django's test client never sends, and clients that send nothing."""

import contextlib
import socket

import httpx
import pytest

from tests.events import charge_success, sign
from tests.processes import product
from tests.processes.product import WEBHOOK_PATH
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.alone]

ODD_CONTENT_TYPES = [
    "a/b; x*=bogus''y",
    "a/b; charset*=utf-8''a%00b",
    "application/json; charset=zlib",
    "application/json; charset=undefined",
    "application/json; charset=utf-7",
    "a/b; charset=unicode_escape",
    "x" * 4000,
]


def test_an_odd_content_type_is_answered_by_the_product(running_product):
    raw = charge_success(reference="nmk-" + "0" * 36, amount_minor=100, transaction_id=1)

    answers = []
    with httpx.Client(base_url=running_product.url, trust_env=False) as http:
        for content_type in ODD_CONTENT_TYPES:
            headers = {"Content-Type": content_type, "x-paystack-signature": sign(raw)}
            health = http.get("/health", headers=headers)
            balance = http.get("/api/v1/billing/balance?\\ud800=1&+2AA-=1", headers=headers)
            webhook = http.post(WEBHOOK_PATH, content=raw, headers=headers)
            answers.append((health.status_code, balance.status_code, webhook.status_code))

    assert answers == [(200, 401, 200)] * len(ODD_CONTENT_TYPES)


def test_a_query_of_too_many_parameters_is_a_problem(running_product):
    answer = httpx.get(f"{running_product.url}/api/v1/billing/balance?{'&' * 1500}", trust_env=False)

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_a_header_moves_no_request_to_another_address_or_scheme(running_product):
    odd_headers = [
        {"SCRIPT_NAME": "/x"},
        {"PATH_INFO": "/x"},
        {"X-Forwarded-Ssl": "on", "X-Forwarded-Proto": "http"},
    ]

    answers = [
        httpx.get(f"{running_product.url}/api/v1/limits", headers=headers, trust_env=False) for headers in odd_headers
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "not_authenticated")] * 3


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        + b"x-paystack-signature: x\r\nContent-Length: 100\r\n\r\n",
    ],
    ids=["half a head", "no body"],
)
def test_clients_that_fall_silent_hold_no_thread_for_long(valkey, sandbox, tmp_path, beginning):
    one_process = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2"}
    with (
        product.running(
            redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path, environment=one_process
        ) as running,
        contextlib.ExitStack() as stack,
    ):
        running.start_web()
        for _ in range(2):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            silent.sendall(beginning)
        wait_until(lambda: not _is_healthy(running.url), seconds=5)

        # Ten seconds, and the time that a busy machine takes.
        wait_until(lambda: _is_healthy(running.url), seconds=25)


def _is_healthy(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=1, trust_env=False).status_code == httpx.codes.OK
    return False

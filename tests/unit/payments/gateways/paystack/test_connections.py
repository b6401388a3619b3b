import os
import socket
import ssl
import threading

import pytest

from namaskah.errors import GatewayOutcomeUnknownError, GatewayRejectedError, GatewayUnavailableError
from payments.gateways.breaker import CallSlots
from payments.gateways.paystack import client
from payments.gateways.paystack.answers import MAX_ANSWER_BYTES
from payments.gateways.paystack.connections import close_connections, get_connection
from tests.waiting import wait_until

from .scripted_gateway import after, answer, hang, run_scripted_gateway

YES = {"status": True, "message": "Done", "data": {"id": 7}}
NO = {"status": False, "message": "No"}


def get():
    return client.get("/things/7", read=lambda data, _: data)


def post():
    return client.post("/things", body={}, read=lambda data, _: data)


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("call", [get, post])
def test_call_connection_refused_is_unavailable(settings, closed_port, call):
    settings.PAYSTACK_BASE_URL = f"http://127.0.0.1:{closed_port}"

    with pytest.raises(GatewayUnavailableError):
        call()


@pytest.mark.parametrize("call", [get, post])
def test_call_unknown_host_is_unavailable(settings, call):
    settings.PAYSTACK_BASE_URL = "http://api.invalid"

    with pytest.raises(GatewayUnavailableError):
        call()


@pytest.mark.parametrize("call", [get, post])
def test_call_tls_failure_is_unavailable(settings, gateway, call):
    gateway.play(answer(200, YES))
    settings.PAYSTACK_BASE_URL = gateway.url.replace("http://", "https://")

    with pytest.raises(GatewayUnavailableError):
        call()


def test_get_connection_verifies_certificates():
    context = get_connection().http._transport._pool._ssl_context

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname is True


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_call_ignores_proxies_of_the_environment(gateway, monkeypatch, variable):
    gateway.play(answer(200, YES))
    with run_scripted_gateway() as proxy:
        proxy.play(answer(200, NO))
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert get() == {"id": 7}

    assert (len(gateway.requests), len(proxy.requests)) == (1, 0)


def test_call_ignores_netrc(gateway, monkeypatch, tmp_path):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    gateway.play(answer(200, YES))

    get()

    assert gateway.requests[0].headers["authorization"] == "Bearer sk_test_local_simulator_key"


def test_call_ignores_certificates_of_the_environment(gateway, monkeypatch, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    gateway.play(answer(200, YES))

    assert get() == {"id": 7}


def test_call_reuses_its_connection(gateway):
    gateway.play(answer(200, YES))

    get()
    post()

    assert gateway.requests[0].peer == gateway.requests[1].peer


def test_get_connection_is_made_once_for_the_same_settings():
    assert get_connection() is get_connection()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYSTACK_BASE_URL", "https://elsewhere.example.com"),
        ("PAYSTACK_SECRET_KEY", "sk_test_rotated"),
        ("PAYSTACK_READ_TIMEOUT_SECONDS", 3.0),
        ("GATEWAY_CONCURRENCY", 3),
    ],
)
def test_get_connection_follows_the_settings(settings, name, value):
    before = get_connection()

    setattr(settings, name, value)

    assert get_connection() is not before


def test_get_connection_is_not_shared_with_a_forked_child():
    before = get_connection()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- runs in the child, which coverage does not see
        try:
            os.write(write_end, b"other" if get_connection() is not before else b"same")
        finally:
            os._exit(0)
    os.close(write_end)

    with os.fdopen(read_end, "rb") as pipe:
        assert pipe.read() == b"other"

    os.waitpid(child, 0)


def test_configuration_does_not_show_the_key():
    assert "sk_test" not in repr(get_connection().configuration)


def test_call_burst_at_a_healthy_gateway_is_served(gateway):
    gateway.play(after(0.02, answer(200, YES)))
    served = []
    threads = [threading.Thread(target=lambda: served.append(post())) for _ in range(50)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert served == [{"id": 7}] * 50
    assert len({request.peer for request in gateway.requests}) <= 8


def test_call_with_all_slots_taken_is_refused_unsent(gateway):
    gateway.play(hang)
    get_connection().slots = slots = CallSlots(1, wait_seconds=0.05)

    with slots.hold(), pytest.raises(GatewayUnavailableError):
        post()

    assert gateway.requests == []


def test_call_keeps_its_slot_while_it_waits_to_repeat(gateway):
    gateway.play(answer(429, NO, x_ratelimit_reset="0.5"), answer(200, YES))
    get_connection().slots = CallSlots(1, wait_seconds=0.05)
    thread = threading.Thread(target=get)
    thread.start()
    wait_until(lambda: len(gateway.requests) == 1, seconds=5)

    with pytest.raises(GatewayUnavailableError, match="Too many calls"):
        post()

    thread.join()
    assert [request.method for request in gateway.requests] == ["GET", "GET"]


def test_call_frees_its_slot(gateway):
    gateway.play(answer(500, NO), answer(400, NO), answer(200, YES))
    get_connection().slots = CallSlots(1, wait_seconds=0.05)
    with pytest.raises(GatewayRejectedError):
        get()

    assert get() == {"id": 7}


def test_call_gives_its_connection_back_after_an_answer_it_did_not_finish(settings, gateway):
    settings.GATEWAY_CONCURRENCY = 1
    gateway.play(answer(200, b"x" * (MAX_ANSWER_BYTES + 1)), answer(200, YES))
    with pytest.raises(GatewayOutcomeUnknownError):
        post()

    assert post() == {"id": 7}


def test_call_after_five_failures_is_refused_unsent(gateway):
    gateway.play(answer(500, NO))
    for _ in range(5):
        with pytest.raises(Exception, match="no usable answer"):
            post()

    with pytest.raises(GatewayUnavailableError) as refusal:
        post()

    assert refusal.value.retry_after_seconds == 10
    assert len(gateway.requests) == 5


def test_call_after_five_unreachable_is_refused(settings, closed_port):
    settings.PAYSTACK_BASE_URL = f"http://127.0.0.1:{closed_port}"
    for _ in range(5):
        with pytest.raises(GatewayUnavailableError, match="cannot be reached"):
            post()

    with pytest.raises(GatewayUnavailableError, match="several times in a row"):
        post()


def test_call_after_five_refusals_is_sent(gateway):
    gateway.play(answer(400, NO))

    for _ in range(6):
        with pytest.raises(GatewayRejectedError):
            post()

    assert len(gateway.requests) == 6


def test_close_connections_forgets_the_failures(gateway):
    gateway.play(*[answer(500, NO)] * 5, answer(200, YES))
    for _ in range(5):
        with pytest.raises(Exception, match="no usable answer"):
            post()

    close_connections()

    assert post() == {"id": 7}


def test_close_connections_leaves_those_of_another_process(gateway, monkeypatch):
    gateway.play(answer(200, YES))
    get()

    with monkeypatch.context() as context:
        context.setattr(os, "getpid", lambda: 1)
        close_connections()

    get()
    assert gateway.requests[0].peer == gateway.requests[1].peer

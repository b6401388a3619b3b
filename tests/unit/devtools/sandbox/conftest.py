import ssl

import httpx
import pytest

from devtools.sandbox import server

from .receiver import running_receiver

SECRET_KEY = "sk_test_local_simulator_key"
# Nothing here is encrypted, and reading the certificates of the world takes longer than the tests.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ORDER = {"email": "ada@example.com", "amount": 250_000, "currency": "NGN", "reference": "nmk-1"}


@pytest.fixture
def receiver():
    with running_receiver() as running:
        yield running


@pytest.fixture
def sandbox():
    with server.running(secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture
def telling(sandbox, receiver):
    """Return the sandbox, sending its events, with retries after hundredths of a second."""
    sandbox.settings.webhook_url = receiver.url
    sandbox.settings.retry_seconds = (0.01, 0.02)
    return sandbox


@pytest.fixture
def api(sandbox):
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False, verify=NO_CERTIFICATES) as client:
        yield client


@pytest.fixture
def visitor(sandbox):
    """Return a client without a key, as a browser is."""
    with httpx.Client(base_url=sandbox.url, trust_env=False, verify=NO_CERTIFICATES) as client:
        yield client


@pytest.fixture
def initialize(api):
    """Return how a payment page is made."""
    return lambda **changes: api.post("/transaction/initialize", json={**ORDER, **changes})


@pytest.fixture
def page(initialize):
    """Return the address of the payment page of nmk-1."""
    return initialize().json()["data"]["authorization_url"]


@pytest.fixture
def paid(sandbox, page):
    """Return the transaction nmk-1, paid."""
    return sandbox.pay("nmk-1")["transaction"]

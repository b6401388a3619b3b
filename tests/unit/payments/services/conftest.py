import pytest

from devtools.sandbox import server
from payments.gateways.paystack import transactions
from payments.gateways.paystack.connections import close_connections
from tests.events import SECRET_KEY
from tests.processes.valkey import ValkeyServer


@pytest.fixture
def valkey(settings):
    """A Valkey of the test's own that serves the locks and may be stopped and frozen."""
    with ValkeyServer() as server:
        url = server.url.removesuffix("/0") + "/1"
        settings.CACHES = {**settings.CACHES, "locks": {**settings.CACHES["locks"], "LOCATION": url}}
        yield server


@pytest.fixture
def sandbox(settings):
    """A gateway of the test's own; `expect` gives it a payment's page, as initialize does."""
    with server.running(secret_key=SECRET_KEY, webhook_url="") as running:
        settings.PAYSTACK_BASE_URL = running.url
        running.expect = _expect
        yield running
        close_connections()


@pytest.fixture
def impatience(settings):
    """Time-outs of half a second."""
    settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS = 0.5
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 0.5


def _expect(payment):
    transactions.initialize_transaction(
        email=payment.email,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=payment.reference,
    )

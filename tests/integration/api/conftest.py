import contextlib
import socket

import pytest

from devtools.sandbox import server
from payments.gateways.paystack import connections
from tests.events import SECRET_KEY
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.payments import PaymentFactory
from tests.factories.users import ServiceAccountFactory
from tests.integration.api.clients import OWN_DEBIT, OWN_KEY, OWN_PAYMENT, ApiClient, allow_refunds


@pytest.fixture(autouse=True)
def fresh_process():
    """Forget what this process has learnt of the gateway in earlier tests."""
    connections.close_connections()
    yield
    connections.close_connections()


@pytest.fixture(scope="session")
def running_sandbox():
    with server.running(secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox, settings):
    """The gateway. Its transactions stay from test to test: references never repeat."""
    running_sandbox.scripts.clear()
    settings.PAYSTACK_BASE_URL = running_sandbox.url
    return running_sandbox


@pytest.fixture
def gateway_away(settings):
    """Return a context in which nobody listens at the gateway's address."""

    @contextlib.contextmanager
    def away():
        usual = settings.PAYSTACK_BASE_URL
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            settings.PAYSTACK_BASE_URL = f"http://127.0.0.1:{bound.getsockname()[1]}"
            yield
        settings.PAYSTACK_BASE_URL = usual

    return away


@pytest.fixture
def rate(db):
    return ExchangeRateFactory()


@pytest.fixture
def api(rate):
    """Ada's client."""
    return ApiClient()


@pytest.fixture
def other_api(rate):
    """Another user's client."""
    return ApiClient()


@pytest.fixture
def service(rate):
    """The platform's own software, which debits wallets."""
    return ApiClient(ServiceAccountFactory())


@pytest.fixture
def other_service(rate):
    """Another service account."""
    return ApiClient(ServiceAccountFactory())


@pytest.fixture
def caller(service, sandbox):
    """A service account, for which every address is open, with rows that a mistake could change."""
    allow_refunds(service)
    post(service.user)
    PaymentFactory(user=service.user, reference=OWN_PAYMENT)
    service.debit(service.user, "1.00", reference=OWN_DEBIT, key=OWN_KEY)
    return service


@pytest.fixture
def unlimited(settings):
    """Limits that no test reaches, where it is not limits that are tested."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 1_000_000)

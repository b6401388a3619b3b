from collections.abc import Iterator

import pytest

from payments.gateways.paystack.connections import close_connections

from .scripted_gateway import ScriptedGateway, run_scripted_gateway

SECRET_KEY = "sk_test_local_simulator_key"


@pytest.fixture(autouse=True)
def _paystack(settings) -> Iterator[None]:
    settings.PAYSTACK_SECRET_KEY = SECRET_KEY
    settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS = 1.0
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 4.0
    settings.GATEWAY_CONCURRENCY = 8
    yield
    close_connections()


@pytest.fixture
def gateway(settings, _paystack) -> Iterator[ScriptedGateway]:
    with run_scripted_gateway() as scripted:
        settings.PAYSTACK_BASE_URL = scripted.url
        yield scripted
        close_connections()


@pytest.fixture
def impatience(settings) -> None:
    """Time-outs of tenths of a second: a deadline of 0.6 s in all."""
    settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS = 0.2
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 0.4

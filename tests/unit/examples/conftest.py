import random

import pytest

from devtools.sandbox import server
from examples.client import Client
from payments.gateways.paystack import connections
from tests.events import SECRET_KEY
from tests.factories.billing import ExchangeRateFactory
from tests.factories.users import UserFactory
from tests.unit.payments.gateways.paystack.scripted_gateway import run_scripted_gateway


class Clock:
    """A clock that only its own sleep moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def longest_pauses(monkeypatch):
    """Let every pause be the longest that chance allows."""
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


@pytest.fixture
def api():
    """A server that answers as told, in the place of the API."""
    with run_scripted_gateway() as scripted:
        yield scripted


@pytest.fixture
def client(api, clock):
    with Client(api.url, "key-1", sleep=clock.sleep, clock=clock) as client:
        yield client


@pytest.fixture
def sandbox(settings):
    with server.running(secret_key=SECRET_KEY) as running:
        settings.PAYSTACK_BASE_URL = running.url
        connections.close_connections()
        yield running
        connections.close_connections()


@pytest.fixture
def customer(transactional_db):
    ExchangeRateFactory()
    return UserFactory()

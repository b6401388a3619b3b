"""The whole product as processes, for tests that can only break with more than one."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from billing.services import exchange_rates
from devtools.sandbox import server
from namaskah.api_keys.services import issue_api_key
from tests.events import SECRET_KEY
from tests.faults.operating import operator, scene  # noqa: F401 -- pytest finds fixtures by their names in a conftest
from tests.processes import product
from tests.processes.client import Client
from tests.processes.valkey import ValkeyServer


@pytest.fixture
def valkey():
    with ValkeyServer() as running:
        yield running


@pytest.fixture
def sandbox():
    with server.running(secret_key=SECRET_KEY, webhook_url="", database=":memory:") as running:
        yield running


@pytest.fixture
def running_product(transactional_db, valkey, sandbox, tmp_path):
    with product.running(redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path) as running:
        running.start_web()
        yield running


@pytest.fixture
def make_client(running_product):
    exchange_rates.set_exchange_rate(currency="NGN", units_per_usd=Decimal(1650), by=None, now=timezone.now())
    clients = []

    def make(name: str) -> Client:
        user = User.objects.create_user(name, email=f"{name}@example.com")
        _, key = issue_api_key(user=user, name="test", expires_in=None, by=None, now=timezone.now())
        clients.append(Client(running_product.url, key))
        return clients[-1]

    yield make
    for client in clients:
        client.close()

"""The API while a server that it leans on is away."""

import contextlib
import socket

import pytest
from django.db import connection

from tests.integration.api.clients import BILLING, PAYMENTS, VERIFY, problem, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def database_away(closed_port):
    """Return a context in which nobody listens at the database's address."""

    @contextlib.contextmanager
    def away():
        usual = connection.settings_dict["PORT"]
        connection.close()
        connection.settings_dict["PORT"] = closed_port
        yield
        connection.close()
        connection.settings_dict["PORT"] = usual

    return away


@pytest.fixture
def _redis_away(settings, closed_port):
    settings.CACHES = {
        name: {**cache, "LOCATION": f"redis://127.0.0.1:{closed_port}/0"} for name, cache in settings.CACHES.items()
    }


@pytest.mark.parametrize("path", [PAYMENTS, f"{PAYMENTS}/nmk-0", f"{BILLING}/balance", f"{BILLING}/transactions"])
def test_without_the_database_a_read_is_unavailable(api, database_away, path):
    with database_away():
        answer = api.get(path)

    assert problem(answer) == (503, "database_unavailable")
    assert answer["Retry-After"] == "2"
    assert api.get(f"{BILLING}/balance").status_code == 200


def test_without_the_database_a_purchase_is_unavailable_and_can_be_begun_later(api, sandbox, database_away):
    key = "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"
    with database_away():
        refused = api.initialize(key=key)

    assert problem(refused) == (503, "database_unavailable")
    assert api.initialize(key=key).status_code == 201


def test_without_the_database_nothing_of_it_is_told(api, database_away):
    with database_away():
        answer = api.post(VERIFY, {"reference": "nmk-0"})

    text = answer.content.decode()
    assert (connection.settings_dict["NAME"] in text, "127.0.0.1" in text) == (False, False)


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_a_purchase_goes_its_whole_way(api, sandbox):
    begun = api.initialize()
    reference = read(begun)["reference"]
    sandbox.pay(reference)

    verified = api.verify(reference)

    assert (begun.status_code, verified.status_code, read(verified)["status"]) == (201, 200, "success")
    assert api.balance() == "25.00"

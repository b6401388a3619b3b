import contextlib
import socket

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

from tests import steady_windows
from tests.webhook_mutations import KEYS


@pytest.fixture
def application(settings):
    """The whole product as gunicorn calls it."""
    settings.ALLOW_TEST_KEY = True
    from namaskah.wsgi import application as product  # noqa: PLC0415 -- refuses a start without what is allowed above

    # As Django's own test client does: they would close the connection that the test's transaction is open on.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield product
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def clock(monkeypatch):
    """A clock of the limits that stands still until the test moves it."""
    return steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def rotation(settings):
    """Accept the key of today and the one before."""
    settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY = KEYS


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def database_away(closed_port):
    """Return a context in which the connections of everybody else are broken and new ones are refused."""

    @contextlib.contextmanager
    def away():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(connection.settings_dict, "PORT", closed_port)
            yield

    return away

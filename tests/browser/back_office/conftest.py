"""The back office as in production, in real browsers: one product for all journeys, with workers and the gateway."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.db import connection

from devtools.sandbox import server
from devtools.sandbox.sandbox import Sandbox
from namaskah.observability.models import Heartbeat
from tests.browser.back_office.people import make_member
from tests.browser.back_office.visitors import Visitor
from tests.browser.conftest import PRODUCTION
from tests.events import SECRET_KEY
from tests.factories.billing import ExchangeRateFactory
from tests.processes import product
from tests.processes.product import WEBHOOK_PATH, Product
from tests.processes.valkey import ValkeyServer

_ENVIRONMENT = {
    **PRODUCTION,
    "STAFF_SECOND_FACTOR": "on",
    # All log-ins here come from one address; the limit has tests of its own.
    "RATE_LIMIT_AUTHENTICATION": "100000",
    # A dead letter dies within a second.
    "WEBHOOK_RETRY_SECONDS": "0.1,0.1,0.1",
}
# With beat in it, which saves the start of a process. What a worker asks its fellows at its start takes longer than the
# rest of it, and nobody is there to answer.
_WORKER = ("--beat", "--concurrency", "2", "--without-mingle", "--without-gossip")


@dataclass(frozen=True)
class Office:
    """What runs, and the gateway that it talks to."""

    product: Product
    sandbox: Sandbox

    @property
    def url(self) -> str:
        return self.product.url


@pytest.fixture(scope="package")
def running_office(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Office]:
    """Start everything once; the database is emptied after each test beneath it."""
    logs = tmp_path_factory.mktemp("office")
    with (
        ValkeyServer() as valkey,
        server.running(secret_key=SECRET_KEY) as sandbox,
        product.running(redis_url=valkey.url, paystack_url=sandbox.url, logs=logs, environment=_ENVIRONMENT) as running,
    ):
        running.start_web()
        running.start("celery", "-A", "namaskah", "worker", "-s", str(logs / "schedule"), *_WORKER)
        sandbox.settings.webhook_url = running.url + WEBHOOK_PATH
        yield Office(running, sandbox)
    with django_db_blocker.unblock():
        # Postgres takes its time to notice who was killed, and removes no database that somebody uses.
        _end_others()
        # What the worker wrote after the last test.
        Heartbeat.objects.all().delete()


@pytest.fixture
def office(transactional_db, running_office) -> Office:
    ExchangeRateFactory()
    return running_office


@pytest.fixture
def open_browser(chromium, office) -> Iterator[Callable[..., Visitor]]:
    """Return how somebody opens a browser, `beside` another to share its session; none may see anything amiss."""
    visitors: list[Visitor] = []

    def begin(*, beside: Visitor | None = None) -> Visitor:
        cookies = beside.context.storage_state() if beside else None
        context = chromium.new_context(
            viewport={"width": 1280, "height": 844}, base_url=office.url, storage_state=cookies
        )
        visitors.append(Visitor(context, office.url))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.context.close()
    assert [visitor.complaints for visitor in visitors] == [[] for _ in visitors]


@pytest.fixture
def sit_down(open_browser) -> Callable[[str], Visitor]:
    """Return how a new member of the staff with a role logs in, with password and code."""

    def log_in(role: str) -> Visitor:
        visitor = open_browser()
        visitor.log_in(make_member(role))
        return visitor

    return log_in


def _end_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

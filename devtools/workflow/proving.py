"""`dev.py prove-all`: every slow proof with its full numbers, which takes hours."""

from collections.abc import Mapping, Sequence

from devtools.workflow import data_servers, dotenv, environments, foreground, progress, testing
from devtools.workflow.checkout import Checkout

_PROOFS = "slow or browser or faults or proof"


def command(arguments: Sequence[str]) -> list[str]:
    """Return what to give to pytest: a line for each proof as it ends, and what the long ones print meanwhile."""
    return ["-m", _PROOFS, "-v", "--capture=no", "--durations=0", *arguments]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the tests, which by this takes the full numbers."""
    return {**environments.for_tests(base), "PROOF": "full"}


def run(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run every proof and return pytest's exit status."""
    testing.report_missing_tools()
    data_servers.install(checkout, "test")
    progress.report("Every proof with its full numbers: this takes hours")
    with data_servers.own(checkout, "test") as (servers, _):
        base = environments.for_servers(servers.urls, dotenv.configured(checkout.root))
        return foreground.run([checkout.python, "-m", "pytest", *command(arguments)], environment(base), checkout.root)

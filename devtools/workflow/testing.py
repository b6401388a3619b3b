"""`dev.py test`: the suite against real servers."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from devtools.workflow import data_servers, dotenv, environments, foreground, progress
from devtools.workflow.checkout import Checkout

_FAST = "not slow and not browser and not faults and not proof"
_REST = "(slow or browser or faults) and not alone and not proof"
_ALONE = "alone and not proof"
# More than 5 would need more Redis databases than a server has: three for each (tests/settings.py).
_SIDE_BY_SIDE = ["-n", "2", "--dist", "worksteal"]
_SELECTING_OPTIONS = ("-k", "-m", "--lf", "--last-failed", "--ff", "--sw", "--stepwise", "--deselect", "--ignore")
_TOOLS_OF_ALL = {"chromium": "chromium", "promtool": "prometheus"}


def is_selection(root: Path, arguments: Sequence[str]) -> bool:
    """Say whether the arguments pick some of the tests, so that the coverage of all of them means nothing."""
    return any(
        argument.startswith(_SELECTING_OPTIONS)
        if argument.startswith("-")
        else (root / argument.split("::")[0]).exists()
        for argument in arguments
    )


def pytest_runs(root: Path, arguments: Sequence[str], *, everything: bool) -> list[list[str]]:
    """Return what to give to pytest, once or several times; ours stand first, so that the person's win.

    Coverage, which costs a third of the time, is measured of the fast tests when everything runs, and of a selection:
    what only a kill or a browser reaches must have a test that needs neither.
    Tests that measure how long something takes run alone, after those that run side by side.
    """
    if is_selection(root, arguments):
        marks = ["-m", "not proof"] if everything else ["-m", _FAST]
        return [["--cov", "--cov-fail-under=0", *marks, *arguments]]
    fast = [*_SIDE_BY_SIDE, "-m", _FAST, *arguments]
    if not everything:
        return [fast]
    return [
        ["--cov", *fast],
        [*_SIDE_BY_SIDE, "-m", _REST, *arguments],
        ["-m", _ALONE, *arguments],
    ]


def missing_tools() -> list[str]:
    """Return the Debian packages that the slow tests need and this machine lacks."""
    return [package for program, package in _TOOLS_OF_ALL.items() if shutil.which(program) is None]


def report_missing_tools() -> None:
    """Say how to install what the slow tests need and this machine lacks."""
    if missing := missing_tools():
        progress.report(f"Missing for all tests, as root on Debian: `apt-get install -y {' '.join(missing)}`")


def run(checkout: Checkout, arguments: Sequence[str], *, everything: bool) -> int:
    """Run the tests and return pytest's exit status, the first that is not 0."""
    if everything:
        report_missing_tools()
    data_servers.install(checkout, "test")
    with data_servers.own(checkout, "test") as (servers, _):
        environment = environments.for_tests(environments.for_servers(servers.urls, dotenv.configured(checkout.root)))
        for chosen in pytest_runs(checkout.root, arguments, everything=everything):
            status = foreground.run([checkout.python, "-m", "pytest", *chosen], environment, checkout.root)
            if status != 0:
                return status
    return 0

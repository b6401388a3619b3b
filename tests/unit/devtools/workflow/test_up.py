import pytest

from devtools.workflow import managing, up
from devtools.workflow.checkout import Checkout
from devtools.workflow.errors import WorkflowError


def test_run_directory_is_for_one_run_at_a_time(tmp_path):
    checkout = Checkout(tmp_path)

    with (
        up.run_directory(checkout, "up", reset=False),
        pytest.raises(WorkflowError, match=r"Another `dev.py up` runs"),
        up.run_directory(checkout, "up", reset=False),
    ):
        pass


def test_run_directory_is_emptied_by_reset_alone(tmp_path):
    checkout = Checkout(tmp_path)
    with up.run_directory(checkout, "up", reset=False) as directory:
        (directory / "sandbox.sqlite3").touch()

    with up.run_directory(checkout, "up", reset=False) as directory:
        kept = [path.name for path in directory.iterdir()]
    with up.run_directory(checkout, "up", reset=True) as directory:
        left = list(directory.iterdir())

    assert (kept, left) == (["sandbox.sqlite3"], [])


def test_sandbox_url_is_never_the_real_paystack(tmp_path):
    checkout = Checkout(tmp_path)
    before = managing.sandbox_url(checkout)
    with up.run_directory(checkout, "up", reset=False) as directory:
        (directory / up.SANDBOX_URL_FILE).write_text("http://127.0.0.1:9001")

    assert (before, managing.sandbox_url(checkout)) == ("http://127.0.0.1:8001", "http://127.0.0.1:9001")

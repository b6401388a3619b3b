import os
import sys
from pathlib import Path

import pytest

from tests.guide.blocks import Block
from tests.guide.session import Outcome, Session


@pytest.fixture
def run(tmp_path):
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = iter(range(100))
    with Session(tmp_path, environment) as session:
        yield lambda language, text: session.run(Block(language, text, next(lines), "Start"))


def test_variables_and_functions_stay_from_block_to_block(run):
    run("sh", 'word=one\nexport WORD=two\nshout() { echo "$1!"; }\n')

    assert run("sh", 'shout "$word"\n') == Outcome(0, "one!\n")
    assert run("python", "import os\nprint(os.environ['WORD'])\n") == Outcome(0, "two\n")


def test_what_goes_to_stderr_is_seen_too(run):
    assert run("sh", "echo out; echo err >&2\n") == Outcome(0, "out\nerr\n")


def test_status_of_the_last_command_is_told(run):
    assert run("sh", "true; false\n") == Outcome(1, "")
    assert run("python", "raise SystemExit(3)\n") == Outcome(3, "")


def test_block_reads_nothing_that_is_pasted_later(run):
    assert run("sh", "cat\n") == Outcome(0, "")
    assert run("sh", "echo still here\n") == Outcome(0, "still here\n")


def test_python_block_imports_from_the_checkout(run):
    assert run("python", "import examples.client\n") == Outcome(0, "")

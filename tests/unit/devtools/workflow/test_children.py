import os

import pytest

from devtools.workflow.children import Children
from devtools.workflow.errors import WorkflowError
from devtools.workflow.progress import Ticker

WAIT = "while :; do sleep 0.05; done"


@pytest.fixture
def make_children(tmp_path):
    return lambda: Children(os.environ, tmp_path, tmp_path)


def shell(source):
    return ["sh", "-c", source]


def test_check_alive_says_which_ended_and_shows_its_last_lines(make_children, tmp_path):
    with make_children() as children:
        children.start("steady", shell(WAIT))
        children.start("broken", shell("echo the reason; exit 4"))
        children._processes["broken"].wait()

        with pytest.raises(WorkflowError) as caught:
            children.check_alive()

    assert str(caught.value) == f"broken ended with status 4, see {tmp_path}/broken.log:\n    the reason"


def test_wait_for_line_returns_when_it_was_printed(make_children):
    with make_children() as children:
        children.start("speaking", shell(f"echo starting; echo ready http; {WAIT}"))

        children.wait_for_line("speaking", "ready", Ticker("speaking"))

        assert children.log("speaking").read_text() == "starting\nready http\n"


def test_wait_for_line_fails_with_the_process(make_children):
    with make_children() as children:
        children.start("broken", shell("exit 1"))

        with pytest.raises(WorkflowError, match=r"^broken ended with status 1"):
            children.wait_for_line("broken", "ready", Ticker("broken"))


def test_exit_ends_them_in_order(make_children, tmp_path):
    order = tmp_path / "order"
    with make_children() as children:
        for name in ("first", "second", "third"):
            children.start(name, shell(f"trap 'echo {name} >> {order}; exit' TERM; echo ready; {WAIT}"))
            children.wait_for_line(name, "ready", Ticker(name))

    assert order.read_text().split() == ["first", "second", "third"]

import socket

import pytest

from devtools.workflow import ports
from devtools.workflow.errors import WorkflowError


def test_check_free_refuses_a_port_in_use():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        with pytest.raises(WorkflowError, match=f"Port {port} is in use: .* --port"):
            ports.check_free(port)


def test_free_port_can_be_listened_on():
    assert ports.is_free(ports.free_port()) is True

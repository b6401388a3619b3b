"""TCP ports on the loopback interface."""

import socket

from devtools.workflow.errors import WorkflowError

_HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port`."""
    with socket.socket() as probe:
        # As the servers do it: connections of an earlier run that still fade away do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def check_free(port: int) -> None:
    """Refuse a port that is in use.

    :raises WorkflowError: with the cure.
    """
    if not is_free(port):
        raise WorkflowError(f"Port {port} is in use: stop what listens there, or choose another with --port")

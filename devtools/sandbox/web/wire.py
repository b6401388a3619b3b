"""The connection under an answer, for those answers that HTTP would not give."""

import contextlib
import os
import socket
import struct
import threading
import time
from typing import Final

_LOOK_SECONDS: Final = 0.1
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Wire:
    """One client's connection, for as long as the sandbox runs."""

    def __init__(self, connection: socket.socket, stopped: threading.Event) -> None:
        self._connection = connection
        self._stopped = stopped

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(content)

    def pause(self, seconds: float) -> bool:
        """Wait; return whether the sandbox still runs."""
        return not self._stopped.wait(seconds)

    def reset(self) -> None:
        """End the connection with a RST."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # The reader and the writer of the request handler keep the socket open, not its descriptor.
        os.close(self._connection.detach())

    def wait_until_client_leaves(self, *, seconds: float) -> None:
        """Say nothing until the client hangs up, or for so many seconds."""
        deadline = time.monotonic() + seconds
        self._connection.settimeout(_LOOK_SECONDS)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline and not self._has_left():
                if not self.pause(0):
                    break

    def _has_left(self) -> bool:
        try:
            if self._connection.recv(1, socket.MSG_PEEK) == b"":
                return True
        except TimeoutError:
            return False
        # The client has sent more already, which waits to be read: looking again at once would spin.
        self.pause(_LOOK_SECONDS)
        return False

"""What goes wrong with embedded servers, said in one line that names the cure."""


class ServersError(Exception):
    """The embedded servers cannot be had; the message is for the person at the terminal."""

"""Why a command of `dev.py` cannot go on."""


class WorkflowError(Exception):
    """The message is one line for the person at the terminal and names the cure."""

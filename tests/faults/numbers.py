"""How often everything is killed: in full for `dev.py prove-all`, a few times when it is run by hand."""

import os

import pytest

_IS_FULL = os.environ.get("PROOF") == "full"

KILLS = 25 if _IS_FULL else 2
FLUSHES = 50 if _IS_FULL else 5
CRASHES = 10 if _IS_FULL else 2

# The child that runs the task, or the worker with all its children.
who_dies = pytest.mark.parametrize("who", ["child", "whole"])

"""How often everything is killed: in full for `dev.py prove-all`, about a tenth of it in `dev.py test --all`."""

import os

import pytest

_IS_FULL = os.environ.get("PROOF") == "full"

KILLS = 25 if _IS_FULL else 3
FLUSHES = 50 if _IS_FULL else 5
CRASHES = 10 if _IS_FULL else 1

# The child that runs the task, or, in the full proof alone, the worker with all its children.
who_dies = pytest.mark.parametrize("who", ["child", pytest.param("whole", marks=pytest.mark.proof)])

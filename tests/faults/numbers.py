"""How often everything is killed: in full for `dev.py prove-all`, a tenth otherwise."""

import os

_IS_FULL = os.environ.get("PROOF") == "full"

KILLS = 25 if _IS_FULL else 3
FLUSHES = 50 if _IS_FULL else 5
CRASHES = 10 if _IS_FULL else 2

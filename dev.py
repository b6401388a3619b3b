#!/usr/bin/env python3
"""Everything a developer runs: `python3 dev.py up`, `python3 dev.py test`, `python3 dev.py --help`.

Needs Python 3.11 or newer and nothing else; the rest is installed into `.venv`.
"""

import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)


def main() -> int:
    """Check the one thing that is needed, then hand over to the workflow."""
    if sys.version_info < OLDEST_PYTHON:
        # Written without newer syntax, so that an older Python can say this.
        sys.stderr.write("dev.py needs Python 3.11 or newer: run it as `python3.11 dev.py` or newer\n")
        return 1
    from devtools.workflow import command_line  # noqa: PLC0415 -- an older Python cannot read it

    return command_line.run(Path(__file__).resolve().parent, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

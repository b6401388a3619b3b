"""Reading `.env`, as far as `dev.py` must know it before the settings do."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


def parse(text: str) -> dict[str, str]:
    """Return the settings of a `.env` file; of a name that stands twice the last counts, as for the settings."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            found[match[1]] = _unquote(match[2])
    return found


def _unquote(value: str) -> str:
    for quote in ("'", '"'):
        if len(value) > 1 and value[0] == quote and quote in value[1:]:
            return value[1 : value.index(quote, 1)]
    return re.split(r"\s+#", value)[0]


def configured(root: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `.env` overlaid with the environment, without what is empty."""
    file = root / ".env"
    values = {**(parse(file.read_text()) if file.is_file() else {}), **environment}
    return {name: value for name, value in values.items() if value}

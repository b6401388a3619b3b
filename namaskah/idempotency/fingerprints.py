"""What makes two requests the same one."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def digest_fields(body: Mapping[str, Any]) -> dict[str, str]:
    """Return a SHA-256 per field of a validated body: enough to tell which differ, not what they were."""
    return {name: _digest(_canonical(value)) for name, value in sorted(body.items())}


def fingerprint(*, method: str, route: str, field_digests: Mapping[str, str]) -> str:
    """Return the SHA-256 of a request: method, route and the canonical validated body."""
    return _digest([method, route, dict(field_digests)])


def list_differing_fields(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Return the fields whose digests differ, or that only one of the two has."""
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def _canonical(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Mapping):
        return {str(name): _canonical(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    return value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

"""Comparing two JSON values by their fields and types."""

from typing import Any

_TYPES = {
    "integer": int,
    "number": int | float,
    "string": str,
    "boolean": bool,
    "object": dict,
    "array": list,
    "any": object,
}


def differences(actual: Any, documented: Any, *, at: str = "") -> list[str]:
    """Name every field that one side lacks or that is of another type; null on either side says nothing of the type."""
    if actual is None or documented is None:
        return []
    if type(actual) is not type(documented):
        return [f"{at}: {type(actual).__name__} instead of {type(documented).__name__}"]
    if isinstance(documented, list):
        pairs = zip(actual, documented, strict=False)
        return [line for left, right in pairs for line in differences(left, right, at=f"{at}[]")]
    if not isinstance(documented, dict):
        return []
    missing = [f"{at}.{name}: missing" for name in documented.keys() - actual.keys()]
    unknown = [f"{at}.{name}: not documented" for name in actual.keys() - documented.keys()]
    shared = documented.keys() & actual.keys()
    nested = [line for name in shared for line in differences(actual[name], documented[name], at=f"{at}.{name}")]
    return sorted(missing + unknown + nested)


def breaches(actual: dict[str, Any], fields: dict[str, str]) -> list[str]:
    """Name every field of an OpenAPI object that is missing or of another type; null fits every type."""
    missing = [f"{name}: missing" for name in fields.keys() - actual.keys()]
    wrong = [
        f"{name}: {type(actual[name]).__name__} instead of {kind}"
        for name, kind in fields.items()
        if actual.get(name) is not None and not isinstance(actual[name], _TYPES[kind])
    ]
    return sorted(missing + wrong)

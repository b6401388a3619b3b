"""The words that bodies are described with: small pieces of JSON Schema."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]


class Shape(NamedTuple):
    """The schema of an answer that no serializer describes, and its name among the components."""

    name: str
    schema: Schema


UUID: Final[Schema] = {"type": "string", "format": "uuid"}
MOMENT: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339, in UTC.",
    "examples": ["2026-11-21T10:00:00Z"],
}
CREDITS: Final[Schema] = {
    "type": "string",
    "pattern": r"^-?[0-9]+\.[0-9]{2}(?:[0-9]{2})?$",
    "description": "Credits (one is a US dollar), with two decimals, or four where two do not tell all.",
    "examples": ["25.00"],
}
EXCHANGE_RATE: Final[Schema] = {
    "type": "string",
    "pattern": r"^[0-9]{1,12}\.[0-9]{6}$",
    "description": "Units of the currency for one US dollar.",
    "examples": ["1650.000000"],
}
AMOUNT_MINOR: Final[Schema] = {
    "type": "integer",
    "format": "int64",
    "minimum": 1,
    "description": "The amount in the currency's subunit, a hundredth.",
    "examples": [4125000],
}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def text(*, max_length: int | None = None, min_length: int | None = None, **more: Any) -> Schema:
    """Return the schema of a string."""
    lengths = {"minLength": min_length, "maxLength": max_length}
    return {"type": "string", **{name: limit for name, limit in lengths.items() if limit is not None}, **more}


def one_of(values: Sequence[str], **more: Any) -> Schema:
    """Return the schema of a string that is one of `values`."""
    return {"type": "string", "enum": list(values), **more}


def reference(prefix: str) -> Schema:
    """Return the schema of a reference of ours that begins with `prefix`."""
    return {
        "type": "string",
        "pattern": f"^{prefix}[0-9a-hjkmnp-tv-z]{{36}}$",
        "examples": [f"{prefix}01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p"],
    }


def nullable(schema: Schema, **more: Any) -> Schema:
    """Return `schema`, or null."""
    schema = {**schema, **more}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


def list_of(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def described(schema: Schema, description: str) -> Schema:
    """Return `schema` under another description."""
    return {**schema, "description": description}


def members(properties: Mapping[str, Schema], **more: Any) -> Schema:
    """Return the schema of an object that has all of `properties`, as answers do."""
    return {"type": "object", "properties": dict(properties), "required": list(properties), **more}

"""Comparing an answer with the API's description, more strictly than clients should.

In the published description an answer may have members that it does not name, so that one can be
added later. Here it may not: what is not described would be found by nobody.
"""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

METHODS = frozenset({"get", "post", "put", "patch", "delete"})
Schema = dict[str, Any]


class Description:
    """The description of the API, closed."""

    def __init__(self, description: Schema) -> None:
        self._description = close(description)
        # An address of its own comes before one with a parameter: /payments/quote is no payment.
        self._paths = {
            re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))): description["paths"][path]
            for path in sorted(description["paths"], key=lambda path: "{" in path)
        }

    def find_faults(self, method: str, path: str, *, status: int, headers: Any, body: bytes) -> list[str]:
        """Return how an answer differs from what is described; nothing for an address that is not described."""
        operation = self._find_operation(method, path)
        if operation is None:
            return []
        answer = self._resolve(operation["responses"].get(str(status), {}))
        if not answer:
            return [f"{status} is not described"]
        return [*self._find_header_faults(answer, headers), *self._find_body_faults(answer, headers, body)]

    def _find_operation(self, method: str, path: str) -> Schema | None:
        found = (operations for pattern, operations in self._paths.items() if pattern.fullmatch(path))
        return next((known[method.lower()] for known in found if method.lower() in known), None)

    def _find_header_faults(self, answer: Schema, headers: Any) -> list[str]:
        faults = []
        for name, reference in answer["headers"].items():
            header = self._resolve(reference)
            if name not in headers and header.get("required"):
                faults.append(f"{name} is missing")
            elif name in headers:
                numeric = header["schema"]["type"] == "integer"
                value = int(headers[name]) if numeric else headers[name]
                faults += [f"{name}: {fault}" for fault in self._find_schema_faults(header["schema"], value)]
        return faults

    def _find_body_faults(self, answer: Schema, headers: Any, body: bytes) -> list[str]:
        media = answer["content"].get(headers["Content-Type"])
        if media is None:
            return [f"{headers['Content-Type']} is not described"]
        return self._find_schema_faults(media["schema"], json.loads(body))

    def _find_schema_faults(self, schema: Schema, value: Any) -> list[str]:
        whole = {**schema, "components": self._description["components"]}
        validator = Draft202012Validator(whole, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def _resolve(self, node: Schema) -> Schema:
        while "$ref" in node:
            found: Any = self._description
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node


def close(description: Schema) -> Schema:
    """Let no answer have a member that is not named; return the same description."""
    operations = [
        operation for path in description["paths"].values() for method, operation in path.items() if method in METHODS
    ]
    inline = [answer for operation in operations for answer in operation["responses"].values()]
    for answer in [*inline, *description["components"]["responses"].values()]:
        for media in answer.get("content", {}).values():
            _close(media["schema"], description)
    return description


def _close(schema: Schema, description: Schema) -> None:
    if "$ref" in schema:
        _close(description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], description)
    elif "allOf" in schema:
        schema["unevaluatedProperties"] = False
    elif "properties" in schema:
        schema["additionalProperties"] = False
        for inner in schema["properties"].values():
            _close(inner, description)
    elif "items" in schema:
        _close(schema["items"], description)

"""What the generator does not find by itself: plain Django views, and the components that all operations share."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.hooks import postprocess_schema_enum_id_removal

from namaskah.openapi import headers, health, problems
from namaskah.openapi.operations import find_plain_operations
from namaskah.openapi.shapes import Schema

_REFERENCE: Final = re.compile(r'"#/components/responses/([^"]+)"')
_SIGNATURE: Final[Schema] = {
    "type": "apiKey",
    "in": "header",
    "name": "x-paystack-signature",
    "description": "The HMAC-SHA512 of the body under the secret key, as 128 lower-case hexadecimal digits.",
}


def add_what_is_shared(
    result: Schema,
    generator: SchemaGenerator,
    request: HttpRequest | None,  # noqa: ARG001 -- drf-spectacular's signature
    public: bool,  # noqa: ARG001, FBT001 -- the same
) -> Schema:
    """Complete the description; called by drf-spectacular at the end."""
    components = result["components"]
    components["schemas"] |= problems.component_schemas()
    components["responses"] = problems.component_responses()
    components["examples"] = problems.component_examples()
    components["headers"] = headers.components()
    components["securitySchemes"]["PaystackSignature"] = _SIGNATURE
    result["paths"] |= {**health.PATHS, **dict(_plain_paths())}
    result["paths"] = dict(sorted(result["paths"].items()))
    used = set(_REFERENCE.findall(json.dumps(result["paths"])))
    components["responses"] = {name: answer for name, answer in components["responses"].items() if name in used}
    cleaned: Schema = postprocess_schema_enum_id_removal(result, generator)
    return cleaned


def _plain_paths() -> Iterator[tuple[str, Schema]]:
    for path, view in _list_views(get_resolver().url_patterns):
        found = find_plain_operations(view)
        if found is not None:
            yield path, dict(found.operations)


def _list_views(patterns: Sequence[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _list_views(pattern.url_patterns, path)
        else:
            yield path, pattern.callback

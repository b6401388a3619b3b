"""From a view and what it says of itself to an operation of the description."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin

from namaskah.api.fields import TextField
from namaskah.api.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from namaskah.openapi import extensions, headers, problems
from namaskah.openapi.operations import Operation, find_operation
from namaskah.openapi.shapes import Schema, Shape, list_of, members, nullable, text

__all__ = ["ApiSchema", "extensions"]

_PAGING: tuple[Schema, ...] = (
    {
        "name": "cursor",
        "in": "query",
        "description": "Where the page begins: taken from `next` or `previous` of another page, never made up.",
        "schema": text(pattern="^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$"),
    },
    {
        "name": "page_size",
        "in": "query",
        "description": "How many rows a page has.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE},
    },
)


def _as_text(schema: Schema) -> Schema:
    """Return the schema of what is written in an address, where a string or number is a string."""
    if schema.get("type") != ["string", "number"]:
        return schema
    return {"type": "string", "pattern": schema["pattern"]}


class ApiSchema(AutoSchema):
    """Describes a view from its `Operation`, its serializers, and what all endpoints share."""

    @property
    def operation(self) -> Operation:
        """What the view says of itself."""
        found = find_operation(self.view)
        assert found is not None, f"{self.view} describes no operation"  # noqa: S101 -- is_excluded came before
        return found

    @property
    def _keyed_body(self) -> type[serializers.Serializer[Any]] | None:
        """The body of a view that needs an Idempotency-Key; None for any other."""
        return getattr(self.view, "input_serializer", None)

    @property
    def _has_key(self) -> bool:
        return self._keyed_body is not None

    @property
    def _permission(self) -> str:
        return getattr(self.view, "required_permission", "")

    def is_excluded(self) -> bool:
        """Leave out what says nothing of itself; a test sees to it that nothing under /api/v1 does."""
        return find_operation(self.view) is None

    def get_operation_id(self) -> str:
        """Return the name that generated clients call it by."""
        return self.operation.id

    def get_summary(self) -> str:
        """Return it in a few words."""
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # -- drf-spectacular overrides it so, too
        """Return what it does, and who may do it."""
        if not self._permission:
            return self.operation.description
        return f"{self.operation.description}\n\nNeeds the permission `{self._permission}`."

    def get_tags(self) -> list[str]:
        """Return the chapter it stands in."""
        return [self.operation.tag]

    def _get_parameters(self) -> list[Schema]:
        operation = self.operation
        found: list[Schema] = [
            {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in operation.path.items()
        ]
        found += self._query_parameters(operation.query)
        if isinstance(self.view, ListModelMixin):
            found += _PAGING
        if self._has_key:
            found.append(headers.REQUIRED_KEY)
        elif operation.may_have_key:
            found.append(headers.OPTIONAL_KEY)
        return [*found, headers.REQUEST_ID]

    def _query_parameters(self, query: type[serializers.Serializer[Any]] | None) -> Iterator[Schema]:
        if query is None:
            return
        schema = self._map_serializer(query, "request")
        for name, described in schema["properties"].items():
            description = described.pop("description", "")
            parameter = {"name": name, "in": "query", "description": description, "schema": _as_text(described)}
            yield {**parameter, "required": True} if name in schema.get("required", ()) else parameter

    def _get_request_body(self, direction: str = "request") -> Schema | None:  # noqa: ARG002 -- theirs
        body = self._keyed_body or self.operation.body
        if body is None:
            return None
        content = {"schema": self.resolve_serializer(body, "request").ref, "example": self.operation.request}
        return {"required": True, "content": {"application/json": content}}

    def _get_response_bodies(self, direction: str = "response") -> Schema:  # noqa: ARG002 -- theirs
        operation = self.operation
        schema, example = self._answer()
        success = {
            "description": HTTPStatus(operation.status).phrase,
            "headers": headers.headers_of(operation.status, is_endpoint=True, has_key=self._has_key),
            "content": {"application/json": {"schema": schema, "example": example}},
        }
        refusals = problems.answers(self._codes(operation), has_key=self._has_key)
        return {str(operation.status): success, **refusals}

    def _codes(self, operation: Operation) -> Iterable[str]:
        codes = {*problems.SHARED, *operation.problems}
        if self.method == "POST":
            codes |= {*problems.ANY_WRITE}
        if self._has_key:
            codes |= {*problems.ANY_KEYED}
        if operation.may_have_key:
            codes.add("idempotency_key_invalid")
        if self._permission:
            codes.add("permission_denied")
        return codes

    def _answer(self) -> tuple[Schema, Any]:
        """Return the schema of a success and an example of it: a page where rows are listed."""
        shape, example = self.operation.answer, self.operation.example
        reference = self._register(shape)
        if not isinstance(self.view, ListModelMixin):
            return reference, example
        url = nullable(text(format="uri"), description="The address of that page, or null if there is none.")
        page = members({"next": url, "previous": url, "results": list_of(reference)})
        return self._register(Shape(f"{shape.name}Page", page)), {"next": None, "previous": None, "results": [example]}

    def _register(self, shape: Shape) -> Schema:
        kind = ResolvedComponent.SCHEMA
        self.registry.register_on_missing(
            ResolvedComponent(name=shape.name, type=kind, schema=shape.schema, object=shape.name)
        )
        return {"$ref": f"#/components/schemas/{shape.name}"}

    def _map_serializer_field(
        self,
        field: Any,
        direction: str,
        bypass_extensions: bool = False,  # noqa: FBT001, FBT002 -- theirs
    ) -> Schema:
        """Return the field's schema; a list that may not be empty has a first item."""
        schema: Schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.ListField) and not field.allow_empty:
            schema["minItems"] = 1
        return schema

    def _insert_field_validators(self, field: Any, schema: Schema) -> None:
        """Add nothing where our own extension has said it all."""
        if not isinstance(field, TextField):
            super()._insert_field_validators(field, schema)

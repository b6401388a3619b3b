"""How our own fields, serializers and authentication appear in the description."""

from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from namaskah.openapi.decimals import decimal_pattern
from namaskah.openapi.shapes import Schema
from namaskah.openapi.texts import text_pattern


class AmountExtension(OpenApiSerializerFieldExtension):
    """An amount in a request: a plain decimal string, or a JSON number."""

    target_class = "namaskah.api.fields.AmountField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:  # noqa: ARG002 -- theirs
        """Return both forms with the field's bounds: the pattern binds strings alone, the bounds numbers alone."""
        field = self.target
        return {
            "type": ["string", "number"],
            "pattern": decimal_pattern(minimum=field.min_value, maximum=field.max_value, places=field.max_places),
            # No `multipleOf`: validators reckon in binary fractions, and many would refuse 19.99.
            "minimum": float(field.min_value),
            "maximum": float(field.max_value),
            "description": (
                f"From {field.to_representation(field.min_value)} to {field.to_representation(field.max_value)}, with "
                f"at most {field.max_places} decimals; a string, or a number without an exponent."
            ),
        }


class TextExtension(OpenApiSerializerFieldExtension):
    """One line of text in a request."""

    target_class = "namaskah.api.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:  # noqa: ARG002 -- theirs
        """Return its pattern, and in words how long it may be; an address has its format instead."""
        field = self.target
        if any(isinstance(each, URLValidator) for each in field.validators):
            return {"type": "string", "format": "uri", "pattern": "^https://", "maxLength": field.max_length}
        lengths = f"{0 if field.allow_blank else 1} to {field.max_length}"
        return {
            "type": "string",
            "pattern": text_pattern(field),
            "description": f"One line of {lengths} characters; blanks around it are taken off.",
        }


class StrictExtension(OpenApiSerializerExtension):
    """A body that may have no other fields."""

    target_class = "namaskah.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the fields and nothing else."""
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class ApiKeyExtension(OpenApiAuthenticationExtension):
    """The API key."""

    target_class = "namaskah.api_keys.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:  # noqa: ARG002 -- theirs
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The API key of a user of this service, in the header `Authorization: Bearer <key>`.",
        }

"""Reading validated bodies: a misspelt field is an error, never ignored."""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

_NAMED: Final = 20


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate the fields, the unknown ones first."""
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                # A body may name thousands; the first few tell what is wrong.
                unknown = unknown[:_NAMED]
                known = ", ".join(self.fields)
                message = f"There is no such field; known are {known}."
                raise serializers.ValidationError(
                    {name: [ErrorDetail(message, code="unknown_field")] for name in unknown}
                )
        return super().to_internal_value(data)

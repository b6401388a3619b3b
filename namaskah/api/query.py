"""Reading query parameters as strictly as bodies."""

from datetime import UTC
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from namaskah.api.serializers import StrictSerializer

_PAGING: Final = frozenset({"cursor", "page_size"})


class CreatedQuery(StrictSerializer):
    """The period that a list may be narrowed to; a time without an offset is UTC."""

    created_after = serializers.DateTimeField(required=False, default_timezone=UTC)
    created_before = serializers.DateTimeField(required=False, default_timezone=UTC)


def read_filters(request: Request, query: type[StrictSerializer]) -> dict[str, Any]:
    """Return the validated filters of a list; paging is read by the paginator.

    :raises ValidationError: if one is unknown, given twice, or not valid.
    """
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise ValidationError({name: [ErrorDetail("Give it once.", code="repeated")] for name in repeated})
    given = {name: values for name, values in request.query_params.lists() if name not in _PAGING}
    unsafe = [name for name, values in given.items() if "\x00" in values[0]]
    if unsafe:
        code = "null_characters_not_allowed"
        raise ValidationError({name: [ErrorDetail("A NUL character cannot be looked for.", code)] for name in unsafe})
    filters = query(data={name: values[0] for name, values in given.items()})
    filters.is_valid(raise_exception=True)
    return dict(filters.validated_data)

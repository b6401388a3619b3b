"""What a view says of itself for the API's description."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from rest_framework.serializers import Serializer

from namaskah.openapi.shapes import Schema, Shape

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE: Final = "api_operation"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation. What every operation of its kind shares is added where the description is made.

    `problems` are the codes it may answer beyond those; `example` is an answer, `request` the body that leads to it.
    In a list, `answer` and `example` are a row.
    """

    id: str
    tag: str
    summary: str
    description: str
    answer: Shape
    example: Any
    status: int = 200
    body: type[Serializer[Any]] | None = None
    request: Any = None
    query: type[Serializer[Any]] | None = None
    path: Mapping[str, Schema] = field(default_factory=dict)
    may_have_key: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlainOperations:
    """What a plain Django view does: an OpenAPI operation for each of its methods, in lower case."""

    operations: Mapping[str, Schema]


def describe(operation: Operation | PlainOperations) -> Callable[[View], View]:
    """Return a decorator that attaches `operation` to a view."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return attach


def find_operation(view: Any) -> Operation | None:
    """Return what `view` says of itself, if it is an endpoint of the API framework."""
    found = getattr(view, _ATTRIBUTE, None)
    return found if isinstance(found, Operation) else None


def find_plain_operations(view: Any) -> PlainOperations | None:
    """Return what `view` says of itself, if it is a plain view."""
    found = getattr(view, _ATTRIBUTE, None)
    return found if isinstance(found, PlainOperations) else None

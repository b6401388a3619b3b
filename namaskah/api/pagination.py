"""Cursor pagination: stable while rows are added, and strict about what it is given."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
_PAGE_SIZE: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
# REST framework's decoder skips any other character, and takes what is left over for the first page.
_CURSOR: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
# What is read from bytes that name no place: the first page too.
_NOWHERE: Final = Cursor(offset=0, reverse=False, position=None)


class CreatedCursorPagination(CursorPagination):
    """Newest first. Ids are time-ordered and unique, so the cursor needs nothing else."""

    page_size = DEFAULT_PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    ordering = "-id"

    def get_page_size(self, request: Request) -> int:
        """Return the size asked for; one that cannot be had is an error, not another size."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return DEFAULT_PAGE_SIZE
        if not _PAGE_SIZE.fullmatch(asked) or int(asked) > MAX_PAGE_SIZE:
            raise ValidationError({self.page_size_query_param: f"Must be from 1 to {MAX_PAGE_SIZE}."})
        return int(asked)

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return one page; a cursor that was tampered with cannot be compared with an id."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (TypeError, ValueError, DjangoValidationError) as error:
            raise ValidationError({self.cursor_query_param: "This is not a cursor that we gave out."}) from error

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor; one that cannot be read is the client's error, not a missing page."""
        encoded = request.query_params.get(self.cursor_query_param)
        refused = ValidationError({self.cursor_query_param: "This is not a cursor that we gave out."})
        if encoded is not None and not _CURSOR.fullmatch(encoded):
            raise refused
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise refused from error
        if cursor == _NOWHERE:
            raise refused
        return cursor

"""Cursor pagination: stable while rows are added, and strict about what it is given."""

import re
from typing import Final

from django.core.signing import BadSignature, Signer
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
_PAGE_SIZE: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


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

    def encode_cursor(self, cursor: Cursor) -> str:
        """Return the address of the page at `cursor`, signed for this list and this user."""
        request: Request = self.request  # type: ignore[attr-defined]  # -- missing in the stubs
        signed = _signer(request).sign_object([cursor.offset, cursor.reverse, cursor.position])
        return replace_query_param(str(self.base_url), self.cursor_query_param, signed)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor; one that we did not give out is the client's error, not another page."""
        signed = request.query_params.get(self.cursor_query_param)
        if signed is None:
            return None
        try:
            offset, reverse, position = _signer(request).unsign_object(signed)
        except BadSignature as error:
            raise ValidationError({self.cursor_query_param: "This is not a cursor that we gave out."}) from error
        return Cursor(offset=offset, reverse=reverse, position=position)


class SequencePagination(CreatedCursorPagination):
    """The newest first of rows that are numbered: ids are made by many machines' clocks, the numbers by one lock."""

    ordering = "-sequence"


def _signer(request: Request) -> Signer:
    return Signer(salt=f"cursor:{request.path}:{request.user.pk}")

"""Reading request bodies."""

from collections.abc import Mapping
from typing import IO, Any, Final

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from namaskah.api import strict_json
from namaskah.errors import InvalidRequestError

_MAX_DEPTH: Final = 16


class BodyTooLargeError(InvalidRequestError):
    """The body is larger than any request of this API needs."""

    code = "body_too_large"


class StrictJSONParser(BaseParser):
    """Reads `application/json` of at most 64 KiB, strictly; any other content type is a 415."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 -- REST framework's signature
    ) -> Any:
        """Return what the body says.

        :raises UnsupportedMediaType: if the type is a pattern of types.
        :raises BodyTooLargeError: if it is over API_BODY_MAX_BYTES.
        :raises MalformedJSONError: if it is no strict JSON.
        """
        # REST framework takes `*/*` for any type, which is what a client may accept and not what a body can be.
        if media_type is not None and "*" in media_type:
            raise UnsupportedMediaType(media_type)
        raw = stream.read(settings.API_BODY_MAX_BYTES + 1)
        if len(raw) > settings.API_BODY_MAX_BYTES:
            raise BodyTooLargeError(f"The body is larger than {settings.API_BODY_MAX_BYTES // 1024} KiB.")
        return strict_json.loads(raw, max_depth=_MAX_DEPTH)

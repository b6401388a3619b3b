"""What came back over the wire: read within bounds, decoded, and understood as yes or no.

The envelope is described at https://paystack.com/docs/api/#response-format and
https://paystack.com/docs/api/errors.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

MAX_ANSWER_BYTES: Final = 1024 * 1024
_GZIP_OR_ZLIB_HEADER: Final = 32 + zlib.MAX_WBITS


class UnusableAnswerError(Exception):
    """An answer that says neither yes nor no."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose head arrived; `body` is None if it was no JSON object of a bearable size."""

    http_status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None

    @property
    def is_rate_limited(self) -> bool:
        """Whether Paystack did not look at the request because there were too many."""
        return self.http_status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def is_server_error(self) -> bool:
        """Whether Paystack, or what stands before it, failed."""
        return self.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_success(self) -> bool:
        """Whether the HTTP status says yes."""
        return HTTPStatus.OK <= self.http_status < HTTPStatus.MULTIPLE_CHOICES

    def get_text(self, key: str) -> str:
        """Return the text under `key` of the envelope, or nothing."""
        value = (self.body or {}).get(key)
        return value if isinstance(value, str) else ""

    def says_no(self) -> bool:
        """Say whether Paystack refused.

        :raises UnusableAnswerError: if the answer says neither yes nor no.
        """
        status = None if self.body is None else self.body.get("status")
        if self.is_success and isinstance(status, bool):
            return not status
        is_client_error = HTTPStatus.BAD_REQUEST <= self.http_status < HTTPStatus.INTERNAL_SERVER_ERROR
        # One documented error carries the word "false" for its status.
        if is_client_error and (status is False or status == "false"):
            return True
        raise UnusableAnswerError


def read_answer(response: httpx.Response) -> Answer:
    """Read the body of a streamed `response`."""
    try:
        body = _decode(_read_body(response))
    except UnusableAnswerError:
        body = None
    return Answer(http_status=response.status_code, headers=response.headers, body=body)


def _read_body(response: httpx.Response) -> bytes:
    """Return the body, decompressed here rather than by httpx, which inflates a bomb before it can be measured."""
    is_compressed = response.headers.get("content-encoding", "identity").lower() != "identity"
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB_HEADER)
    content = bytearray()
    for chunk in response.iter_raw():
        room = MAX_ANSWER_BYTES + 1 - len(content)
        try:
            content += decoder.decompress(chunk, room) if is_compressed else chunk
        except zlib.error as error:
            raise UnusableAnswerError from error
        if len(content) > MAX_ANSWER_BYTES:
            raise UnusableAnswerError
    return bytes(content)


def _decode(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnusableAnswerError from error
    if not isinstance(body, dict):
        raise UnusableAnswerError
    return body

"""A request as it was read, and an answer before it is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl

from devtools.sandbox.refusals import Refusal


@dataclass(frozen=True)
class Request:
    """One request; `parts` are the named parts of its path, decoded, and header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"
    parts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The body's fields, sent as JSON or as a form.

        :raises Refusal: if the body is neither.
        """
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        try:
            fields = json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise Refusal("Request body could not be parsed") from error
        if not isinstance(fields, dict):
            raise Refusal("Request body must be an object")
        return fields

    def number_in_path(self, name: str) -> int:
        """Return a part of the path that its pattern lets be digits only."""
        return int(self.parts[name])


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> Self:
        """Return this answer with further headers; `x_y` names the header `x-y`."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **added})

    def head(self, *, length: int | None = None) -> bytes:
        """Return the status line and the headers, promising `length` bytes instead of the true number."""
        lines = [
            f"HTTP/1.1 {int(self.status)} {HTTPStatus(self.status).phrase}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body) if length is None else length}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def to_json(value: object) -> bytes:
    """Write JSON as Paystack does: without blanks, characters as they are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8 form; as an escape it is still JSON.
    return text.encode(errors="backslashreplace")


def json_answer(body: object, *, status: int = HTTPStatus.OK) -> Answer:
    """Answer with JSON."""
    return Answer(status, to_json(body))


def html_answer(text: str, *, status: int = HTTPStatus.OK) -> Answer:
    """Answer with a page that loads nothing."""
    return Answer(status, text.encode(), "text/html; charset=utf-8").with_headers(
        content_security_policy="default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        cache_control="no-store",
    )


def redirect_answer(url: str) -> Answer:
    """Send the browser on with a GET."""
    return Answer(HTTPStatus.SEE_OTHER, content_type="text/plain").with_headers(location=url)

"""What stands around a body: method, type, announced length and headers that should not matter."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

_METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "POSTS", "post", "Post")
_TYPES: Final = (
    None,
    "",
    "application/json; charset=utf-16",
    "application/json; charset=hex",
    "application/json; charset=undefined",
    "application/json; charset=a\x00b",
    "application/json; name*=x'y'z",
    "application/json; name*=hex''%41",
    f"text/plain; charset={'x' * 5000}",
    "application/json; charset=\xe9",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=latin-1",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/octet-stream",
    "text/plain",
    ";;;=;",
    "\xff\xfe",
)
_HEADERS: Final = (
    {"HTTP_X_REQUEST_ID": "0190f5ea-7c1e-7cc3-98c4-dc0c0c07398f"},
    {"HTTP_X_REQUEST_ID": "\x00" * 40},
    {"HTTP_COOKIE": "sessionid=x; csrftoken=y; \xff=\x00"},
    {"HTTP_COOKIE": "sessionid=" + "a" * 32},
    {"HTTP_AUTHORIZATION": "Bearer sk_test_local_simulator_key"},
    {"HTTP_AUTHORIZATION": "Basic \xff"},
    {"HTTP_X_FORWARDED_FOR": "198.51.100.7, 203.0.113.9, \xff"},
    {"HTTP_X_FORWARDED_PROTO": "http"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
    {"HTTP_ORIGIN": "https://evil.example", "HTTP_REFERER": "https://evil.example/\xff"},
    {"HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": "x" * 500, "HTTP_ACCEPT_ENCODING": "\xff"},
    {"HTTP_CONTENT_ENCODING": "gzip", "HTTP_TRANSFER_ENCODING": "chunked", "HTTP_EXPECT": "100-continue"},
    {"HTTP_IDEMPOTENCY_KEY": "not a key", "QUERY_STRING": "a=%ff&b=%00&\xff"},
    {"QUERY_STRING": "a&" * 1001},
    {"HTTP_USER_AGENT": "\r\n\x1b[2J\x00"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a body is sent; `announced_bytes` is None where the length is told as it is."""

    method: str = "POST"
    content_type: str | None = "application/json"
    announced_bytes: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def make_envelope(random: Random, length: int) -> Envelope:
    """Return Paystack's own in most cases, else one that is odd somewhere."""
    return Envelope(
        method=random.choice(_METHODS) if random.random() < 0.03 else "POST",
        content_type=random.choice(_TYPES) if random.random() < 0.2 else "application/json",
        announced_bytes=_lie(random, length) if random.random() < 0.05 else None,
        headers=dict(random.choice(_HEADERS)) if random.random() < 0.2 else {},
    )


def _lie(random: Random, length: int) -> int:
    return random.choice([0, length // 2, max(length - 1, 0), length + 1, length + 5000, 256 * 1024 + 1, 10**20])

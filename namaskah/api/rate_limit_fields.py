"""The fields that tell a client its limits: the only module that writes them.

RateLimit-Policy: "initialize";q=5;w=60
RateLimit: "initialize";r=4;t=60

Lists of structured fields (RFC 9651) as in the IETF draft httpapi-ratelimit-headers-11: `q` quota,
`w` window in seconds, `r` what is left, `t` seconds until the quota is whole again, never a moment.
"""

from django.http import HttpResponseBase

from namaskah.api.rate_limits import WINDOW_SECONDS, Usage


def write(response: HttpResponseBase, usage: Usage) -> None:
    """Set both fields."""
    response["RateLimit-Policy"] = f'"{usage.name}";q={usage.limit};w={WINDOW_SECONDS}'
    response["RateLimit"] = f'"{usage.name}";r={usage.remaining};t={usage.seconds_left}'

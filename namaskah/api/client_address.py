"""Where a request comes from, as far as it can be believed."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest

# What a customer of a network commonly gets; RFC 6177 asks for more than a /64. Addresses within it cost nothing.
_IPV6_PREFIX: Final = 56
_UNKNOWN: Final = "unknown"


def get_client_address(request: HttpRequest) -> str:
    """Return the peer's address; an IPv6 one as its /56 network.

    Behind TRUSTED_PROXY_COUNT proxies it is the entry of X-Forwarded-For that the outermost of them
    wrote: what stands left of it was made up by the client or is somebody else's. A request with
    fewer entries did not come through all of them, and counts as its peer's.
    """
    forwarded = [entry.strip() for entry in request.headers.get("X-Forwarded-For", "").split(",")]
    hops = settings.TRUSTED_PROXY_COUNT
    if 0 < hops <= len(forwarded):
        address = _read(forwarded[-hops])
        if address is not None:
            return address
    return _read(request.META.get("REMOTE_ADDR", "")) or _UNKNOWN


def _read(text: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
    return str(address)

"""Telling pages apart by their addresses: two rows of one list are the same kind of page."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

# Numbers, ids (which Django's admin writes with `_2D`), references and currencies.
_IDENTIFIER: Final = re.compile(
    r"^(\d+|[0-9a-f]{8}((-|_2D)[0-9a-f]{4}){3}(-|_2D)[0-9a-f]{12}|(nmk|rfd|rvs|adj)(-|_2D)[0-9a-zD_-]+|[A-Z]{3})$"
)
_ROOT: Final = "/admin/"
# Looked at apart, or no pages.
_LEFT_OUT: Final = ("/admin/logout/", "/admin/login/", "/admin/jsi18n/", "/admin/autocomplete/")


def find_kind(address: str) -> str:
    """Return the path with a star for whatever names a row, and the names of what is asked beside it."""
    parts = urlsplit(address)
    path = "/".join("*" if _IDENTIFIER.match(part) else part for part in parts.path.split("/"))
    asked = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return f"{path}?{'&'.join(asked)}" if asked else path


def find_page(address: str) -> str:
    """Return the kind without what is asked beside the path: a filtered list is the same page as the list."""
    return find_kind(address).partition("?")[0]


def is_row(address: str) -> bool:
    """Whether it is the page of one row."""
    return "*" in find_page(address)


def is_followed(address: str, *, base_url: str) -> bool:
    """Whether it is a page of the back office."""
    path = urlsplit(address).path
    return address.startswith(base_url + _ROOT) and not path.startswith(_LEFT_OUT) and "#" not in address


def name_file(address: str) -> str:
    """Return what a picture of the page is called."""
    page = find_page(address).removeprefix(_ROOT).strip("/").replace("*", "one")
    return re.sub(r"[^a-z0-9]+", "-", page.lower()).strip("-") or "dashboard"

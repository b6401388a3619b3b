"""Going through the back office by its links: from the dashboard to lists, from lists to rows, to what can be done."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from devtools.shots.addresses import find_kind, find_page, is_followed, is_row
from devtools.shots.visitors import Visitor

# Rows of one list differ in what can be done with them: so many are looked at.
_ROWS_OF_A_KIND: Final = 8
_LISTS_OF_A_KIND: Final = 4
# A list shows fifty rows, which would crowd out those that other lists show.
_ROWS_OF_A_LIST: Final = 2


def explore(visitor: Visitor, *, found: Callable[[str], None], is_quick: bool) -> list[str]:
    """Open everything that links lead to; call `found` on the first page of each kind, while it is open.

    Returns the addresses of those. A quick tour looks at one row and one list of each kind.
    """
    start = f"{visitor.base_url}/admin/"
    waiting, seen = deque([start]), {start}
    opened: Counter[str] = Counter()
    pages: dict[str, str] = {}
    most_rows, most_lists = (1, 1) if is_quick else (_ROWS_OF_A_KIND, _LISTS_OF_A_KIND)
    while waiting:
        address = waiting.popleft()
        page = find_page(address)
        limit = most_rows if is_row(address) else most_lists
        if opened[page] >= limit:
            continue
        opened[page] += 1
        if not visitor.open(address):
            continue
        if page not in pages:
            pages[page] = address
            found(address)
        for link in _choose(visitor.list_links(), address, base_url=visitor.base_url):
            if link not in seen:
                seen.add(link)
                waiting.append(link)
    return list(pages.values())


def _choose(links: list[str], address: str, *, base_url: str) -> list[str]:
    """Return the links to follow: of a list's own rows only the first few, and nothing that only sorts or pages."""
    chosen: list[str] = []
    rows: Counter[str] = Counter()
    own_path = address.partition("?")[0]
    for link in links:
        if not is_followed(link, base_url=base_url):
            continue
        is_own_variant = link.partition("?")[0] == own_path and "?" in link
        if is_own_variant and find_kind(link) != find_kind(address) and "o=" in link:
            continue
        if is_row(link) and not is_row(address):
            rows[find_page(link)] += 1
            if rows[find_page(link)] > _ROWS_OF_A_LIST:
                continue
        chosen.append(link)
    return chosen

"""Places for commands that need servers of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.embedded import locks, places
from devtools.embedded.accounts import server_account
from devtools.embedded.places import Place


@contextmanager
def free_place(checkout: Path, profile: str) -> Iterator[Place]:
    """Hold the first place of that profile that no other command holds, so that two runs never meet."""
    place, holder = _take_first_free(checkout, profile)
    try:
        yield place
    finally:
        locks.give_back(holder)


def _take_first_free(checkout: Path, profile: str) -> tuple[Place, int]:
    number = 1
    while True:
        place = places.place_for(checkout, profile if number == 1 else f"{profile}-{number}")
        places.prepare(place, server_account())
        holder = locks.take_now(place.state / "holder.lock")
        if holder is not None:
            return place, holder
        number += 1

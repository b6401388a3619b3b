import json
import os

import pytest

from devtools.embedded import lease, locks
from devtools.embedded.places import Place


@pytest.fixture
def place(tmp_path):
    return Place(state=tmp_path, sockets=tmp_path / "sockets")


def test_read_status_believes_nothing_that_a_dead_supervisor_left(place):
    place.status.write_text(json.dumps({"supervisor": os.getpid()}))

    assert lease.read_status(place) is None


def test_read_status_believes_a_living_supervisor(place):
    held = locks.take_now(place.supervisor_lock)
    place.status.write_text(json.dumps({"supervisor": os.getpid()}))

    found = lease.read_status(place)

    locks.give_back(held)
    assert found == {"supervisor": os.getpid()}


def test_is_kept_needs_the_supervisor_that_was_asked(place):
    held = locks.take_now(place.supervisor_lock)
    place.status.write_text(json.dumps({"supervisor": os.getpid()}))
    place.kept.write_text(str(os.getpid() + 1))
    of_another = lease.is_kept(place)
    place.kept.write_text(str(os.getpid()))
    of_this = lease.is_kept(place)
    locks.give_back(held)

    assert (of_another, of_this) == (False, True)


def test_release_of_servers_that_do_not_run_is_done_at_once(place):
    assert lease.release(place) is True

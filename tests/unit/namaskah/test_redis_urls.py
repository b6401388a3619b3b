import pytest
import redis

from namaskah.redis_urls import as_broker_url, with_database


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/2"),
        ("redis://localhost:6379", "redis://localhost:6379/2"),
        ("redis://localhost:6379/", "redis://localhost:6379/2"),
        ("redis://localhost:6379?db=7", "redis://localhost:6379/2"),
        ("redis://:s%40crt@cache:6379/5", "redis://:s%40crt@cache:6379/2"),
        ("rediss://u:p@cache:6380/0?ssl_cert_reqs=none", "rediss://u:p@cache:6380/2?ssl_cert_reqs=none"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock?db=2"),
        ("unix:///run/valkey.sock?db=0", "unix:///run/valkey.sock?db=2"),
    ],
)
def test_with_database_names_the_database_once(url, expected):
    assert with_database(url, 2) == expected


@pytest.mark.parametrize("url", ["redis://localhost/0", "rediss://localhost/0", "unix:///run/valkey.sock?db=0"])
def test_with_database_is_what_redis_py_reads(url):
    pool = redis.ConnectionPool.from_url(with_database(url, 2))

    assert pool.connection_kwargs["db"] == 2


def test_as_broker_url_leaves_tcp_as_it_is():
    assert as_broker_url("redis://localhost:6379/2") == "redis://localhost:6379/2"


@pytest.mark.parametrize(("url", "database"), [("unix:///run/valkey.sock?db=2", 2), ("unix:///run/valkey.sock", 0)])
def test_as_broker_url_of_a_socket_is_spelt_as_celery_wants_it(url, database):
    assert as_broker_url(url) == f"redis+socket:///run/valkey.sock?virtual_host={database}"

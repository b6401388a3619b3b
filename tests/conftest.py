"""What every test leans on."""

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _clean_redis():
    """Start every test with empty Redis databases: locks and limits must not leak between tests."""
    for cache in caches.all(initialized_only=True):
        cache.clear()


def pytest_sessionstart():
    """Refuse psycopg 3, which Django would silently prefer: prove which driver the tests run on."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415 -- needs Django's settings

    assert not is_psycopg3, "psycopg 3 is importable and Django uses it; the product is built for psycopg2"

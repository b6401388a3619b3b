"""What every test leans on."""

import pytest
from django.core.cache import caches

from namaskah import redis_health
from namaskah.api import rate_limits
from payments.webhooks import signature_failures


@pytest.fixture(autouse=True)
def _clean_redis():
    """Start every test with empty Redis databases: locks and limits must not leak between tests."""
    # Also those that this thread has not used yet: other threads of an earlier test may have.
    for cache in caches.all():
        cache.clear()


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch):
    """Forget what this process has learnt of Redis and counted by itself in earlier tests."""
    monkeypatch.setattr(redis_health, "health", redis_health.RedisHealth())
    for windows in rate_limits.local_windows.values():
        windows.clear()
    signature_failures.failures.clear()


def pytest_sessionstart():
    """Refuse psycopg 3, which Django would silently prefer: prove which driver the tests run on."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415 -- needs Django's settings

    assert not is_psycopg3, "psycopg 3 is importable and Django uses it; the product is built for psycopg2"

"""What every test leans on."""

import gc

import pytest
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from pytest_django import fixtures

from namaskah import redis_health
from namaskah.api import rate_limits
from payments.gateways.paystack import client
from payments.webhooks import signature_failures


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Make the test database whoever asks for one.

    pytest-django does so for tests with `db` alone; those that share the rows of a whole file would work on, and in the
    end empty, the database of whoever runs them.
    """
    find_for = fixtures._get_databases_for_setup
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixtures, "_get_databases_for_setup", lambda items: ({DEFAULT_DB_ALIAS}, find_for(items)[1]))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """Have no flush after a test look for content types and permissions to make: ours keeps them.

    Django's would look for each of them after every test with real transactions, longer than the flush takes.
    """
    post_migrate.disconnect(create_permissions, dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


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


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Ask a gateway that does not answer again within hundredths of a second; nobody is waiting for it to recover."""
    monkeypatch.setattr(client, "RETRY_PAUSES_SECONDS", (0.01, 0.02))


def pytest_collection_finish():
    """Leave what the tests and their libraries are made of out of every later search for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionstart():
    """Refuse psycopg 3, which Django would silently prefer: prove which driver the tests run on."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415 -- needs Django's settings

    assert not is_psycopg3, "psycopg 3 is importable and Django uses it; the product is built for psycopg2"

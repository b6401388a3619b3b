import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from namaskah.observability import health, heartbeats
from namaskah.observability.models import Heartbeat

ALL_WELL = {"database": "healthy", "migrations": "healthy", "redis": "healthy", "worker": "healthy"}


@pytest.fixture
def worker(transactional_db):
    """A worker that has just shown that it lives."""
    return Heartbeat.objects.create(name=heartbeats.WORKER, beat_at=timezone.now())


@pytest.fixture
def unapplied_migration(worker, monkeypatch):
    monkeypatch.setattr(health, "_migrations_applied", False)
    applied = MigrationRecorder.Migration.objects.filter(app="observability", name="0001_initial")
    row = applied.get()
    applied.delete()
    yield
    row.save(force_insert=True)


@pytest.mark.parametrize("path", ["/health", "/health/live"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_is_alive_asks_no_dependency(client, path, method):
    answer = getattr(client, method)(path)

    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_health_refuses_other_methods(client, path, method):
    answer = getattr(client, method)(path)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST"


def test_is_ready_with_all_dependencies(client, worker):
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "dependencies": ALL_WELL})


def test_is_ready_without_a_worker_is_degraded_and_serves(client, transactional_db):
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "dependencies": {**ALL_WELL, "worker": "degraded"}}


@pytest.mark.parametrize(("seconds", "state"), [(29, "healthy"), (31, "degraded")])
def test_is_ready_with_a_worker_silent_for(client, worker, seconds, state):
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=seconds))

    assert client.get("/health/ready").json()["dependencies"] == {**ALL_WELL, "worker": state}


def test_is_ready_without_redis_is_degraded_and_serves(client, worker, settings):
    locks = {**settings.CACHES["locks"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.CACHES = {**settings.CACHES, "locks": locks}

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "dependencies": {**ALL_WELL, "redis": "degraded"}}


def test_is_ready_without_the_database_is_503(client, worker, monkeypatch):
    # Threads make their connections from this dictionary.
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setattr(health, "_migrations_applied", False)

    answer = client.get("/health/ready")

    rows = {"database": "unhealthy", "migrations": "unhealthy", "redis": "healthy", "worker": "degraded"}
    assert (answer.status_code, answer.json()) == (503, {"status": "unhealthy", "dependencies": rows})


def test_is_ready_with_an_unapplied_migration_is_503(client, unapplied_migration):
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy", "dependencies": {**ALL_WELL, "migrations": "unhealthy"}}


def test_is_ready_waits_no_longer_than_two_seconds_for_a_silent_dependency(client, worker, monkeypatch):
    monkeypatch.setattr(health, "_PATIENCE_SECONDS", 0.5)
    started = time.monotonic()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE")
        answer = client.get("/health/ready")

    assert time.monotonic() - started < 2
    assert answer.json()["dependencies"] == {**ALL_WELL, "worker": "degraded"}

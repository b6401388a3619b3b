from datetime import timedelta

import pytest
from django.db import connection

from namaskah.observability import heartbeats
from namaskah.observability.models import Heartbeat


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch, db):
    """Forget what this process has written."""
    monkeypatch.setattr(heartbeats, "_written_at", {})


@pytest.fixture
def database_now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


def age(name, *, seconds):
    Heartbeat.objects.filter(name=name).update(beat_at=heartbeats.find_heartbeat(name) - timedelta(seconds=seconds))


def test_find_heartbeat_of_a_process_that_never_lived_is_none():
    assert heartbeats.find_heartbeat("worker") is None


def test_record_heartbeat_writes_the_database_clock(database_now):
    heartbeats.record_heartbeat("worker")

    assert heartbeats.find_heartbeat("worker") == database_now


def test_record_heartbeat_renews_what_another_process_wrote(database_now, monkeypatch):
    heartbeats.record_heartbeat("worker")
    age("worker", seconds=60)
    monkeypatch.setattr(heartbeats, "_written_at", {})

    heartbeats.record_heartbeat("worker")

    assert heartbeats.find_heartbeat("worker") == database_now


def test_record_heartbeat_writes_at_most_every_five_seconds(django_assert_num_queries):
    heartbeats.record_heartbeat("worker")

    with django_assert_num_queries(0):
        heartbeats.record_heartbeat("worker")


def test_record_heartbeat_keeps_processes_apart(database_now):
    heartbeats.record_heartbeat("worker")

    heartbeats.record_heartbeat("beat")

    assert dict(Heartbeat.objects.values_list("name", "beat_at")) == {"beat": database_now, "worker": database_now}


@pytest.mark.django_db(transaction=True)
def test_find_silence_is_how_long_ago_it_was_by_the_clock_of_the_database():
    heartbeats.record_heartbeat("beat")
    age("beat", seconds=90)

    silence = heartbeats.find_silence("beat")

    assert timedelta(seconds=90) <= silence < timedelta(seconds=100)


def test_find_silence_of_what_never_lived_is_none():
    assert heartbeats.find_silence("beat") is None
